/** @file Float networks from ONNX files. */
import { checkBytes, checkOptions, integer, listOf, text } from "../core/checks.js";
import { ArgumentError, FormatError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import type { Module } from "../nn/module.js";
import { type Graph, type GraphNode, readGraph } from "./graph.js";
import * as extents from "./import-extents.js";
import * as layers from "./import-layers.js";
import * as shapes from "./import-shapes.js";
import * as weights from "./import-weights.js";
import { Importing, type Value } from "./importing.js";
import { type InputInfo, OnnxNetwork } from "./network.js";
import { ELEMENT, elementName } from "./schema.js";

/** Choices of {@link importOnnx}. */
export interface ImportOptions {
  /** The file's name for messages. Default "ONNX file". */
  file?: string;
  /** [H,W,C] or [F], for files that leave the extents of their input open. */
  inputShape?: readonly number[];
  /** The output to take from a file that has several. */
  output?: string;
}

type Rule = (node: GraphNode, importing: Importing) => void;

const RULES: Readonly<Record<string, Rule>> = {
  Conv: weights.importConv,
  Gemm: weights.importGemm,
  MatMul: weights.importMatMul,
  BatchNormalization: weights.importBatchNorm,
  Relu: layers.importRelu,
  Sigmoid: layers.importSigmoid,
  Tanh: layers.importTanh,
  Clip: layers.importClip,
  MaxPool: layers.importPool,
  AveragePool: layers.importPool,
  GlobalMaxPool: layers.importPool,
  GlobalAveragePool: layers.importPool,
  ReduceMean: layers.importReduceMean,
  Add: layers.importArithmetic,
  Sub: layers.importArithmetic,
  Mul: layers.importArithmetic,
  Div: layers.importArithmetic,
  Softmax: layers.importSoftmax,
  Concat: layers.importConcat,
  Dropout: layers.importDropout,
  Flatten: shapes.importFlatten,
  Reshape: shapes.importReshape,
  Transpose: shapes.importTranspose,
  Pad: shapes.importPad,
  Shape: extents.importShape,
  Gather: extents.importGather,
  Unsqueeze: extents.importUnsqueeze,
  Identity: shapes.importIdentity,
  Constant: shapes.importConstant,
  Cast: shapes.importCast,
};

/** Operators that {@link importOnnx} understands. */
export const IMPORTED_OPERATORS: readonly string[] = Object.keys(RULES);

/**
 * A float CNN from an ONNX file, as a network that can be trained, quantized with `prepare`, packed and verified.
 *
 * Images are [N,H,W,C] here whatever the file has; the weights behind a flatten are put in that order. Layers have the
 * names of their weights. Files with a byte input (as `exportOnnx` writes them) give a network for codes: see `input`.
 *
 * @param bytes the whole file; not kept
 * @returns the network, in training mode, owned by the caller
 * @throws FormatError naming file, node and operator, what was expected and what was met: malformed bytes, operators,
 *   attributes or forms that are not supported, cycles, extents left open, external data, numbers that are not finite;
 *   ArgumentError on a bad `inputShape`
 * @example
 * const net = importOnnx(bytes);
 * prepare(net, { weights: 1, activations: 4 });
 */
export function importOnnx(bytes: Uint8Array | ArrayBufferLike, options: ImportOptions = {}): OnnxNetwork {
  checkOptions("importOnnx", options, { file: text, inputShape: listOf(integer(1)), output: text });
  const { file = "ONNX file" } = options;
  const graph = readGraph(checkBytes("importOnnx", "bytes", bytes), file);
  const importing = new Importing(graph);
  const info = setInput(graph, importing, options.inputShape);
  for (const node of graph.nodes) {
    if (importing.done.has(node)) continue;
    if (!Object.hasOwn(RULES, node.op)) {
      importing.refuse(node, "operator that is not supported", IMPORTED_OPERATORS.join(", "), node.op);
    }
    RULES[node.op](node, importing);
    node.attributes.finish();
  }
  const output = outputOf(graph, importing, options.output);
  const made = new Map<string, Module>();
  try {
    for (const [key, make] of importing.layers) made.set(key, make());
    return new OnnxNetwork(made, importing.steps, output, { ...info, inputStep: importing.inputStep });
  } catch (error) {
    for (const layer of made.values()) layer.dispose();
    throw error;
  }
}

/** The graph's only input, as value 0. */
function setInput(graph: Graph, importing: Importing, wanted: readonly number[] | undefined): InputInfo {
  const { file, inputs } = graph;
  const refuse = (what: string, expected: string, got: string, hint?: string): never => {
    throw new FormatError({ op: file, what, expected, got, hint });
  };
  if (inputs.length !== 1) refuse("inputs", "one", inputs.map(({ name }) => name).join(", ") || "none");
  const [{ name, element, extents }] = inputs;
  const codes = element === ELEMENT.UINT8;
  if (element !== ELEMENT.FLOAT && !codes) refuse(`input "${name}"`, "FLOAT or UINT8", elementName(element));
  if (extents === null || (extents.length !== 4 && extents.length !== 2)) {
    return refuse(
      `input "${name}"`,
      "[N,C,H,W], [N,H,W,C] or [N,F]",
      extents === null ? "no shape" : `${extents.length} axes`,
    );
  }
  const readers = importing.readers(name);
  const last =
    extents.length === 4 &&
    readers.length > 0 &&
    readers.every(({ op, attributes }) => op === "Transpose" && `${attributes.peekInts("perm")}` === "0,3,1,2");
  const own = extents.slice(1);
  const ours = own.length === 1 || last ? own : [own[1], own[2], own[0]];
  const inputShape = ours.map((extent, i) => {
    const given = wanted?.[i];
    if (wanted !== undefined && (wanted.length !== ours.length || (extent !== null && extent !== given))) {
      throw new ArgumentError({
        op: "importOnnx",
        what: "inputShape",
        expected: `[${ours.map((n) => n ?? "any")}], channels last`,
        got: `[${wanted}]`,
      });
    }
    return (
      extent ??
      given ??
      refuse(
        `input "${name}"`,
        "fixed extents but for the batch",
        `[${extents.map((n) => n ?? "?")}]`,
        "give inputShape",
      )
    );
  });
  if (!inputShape.every((extent) => Number.isSafeInteger(extent) && extent >= 1) || sizeOf(inputShape) > 2 ** 28) {
    refuse(`input "${name}"`, "extents of at least 1, at most 2^28 values", `[${inputShape}]`);
  }
  const [a, b, c] = inputShape;
  const value: Value = {
    slot: 0,
    shape: own.length === 1 || last ? inputShape : [c, a, b],
    layout: own.length === 1 ? "rows" : last ? "last" : "image",
    stretches: null,
  };
  importing.set(name, value);
  return { inputShape, inputType: codes ? "u8" : "f32", inputStep: 1 };
}

/** Number of the value that is the result, with rows in ONNX's order. */
function outputOf({ file, outputs, nodes }: Graph, importing: Importing, wanted: string | undefined): number {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new FormatError({ op: file, what, expected, got });
  };
  if (wanted === undefined && outputs.length !== 1) refuse("outputs", "one", outputs.join(", ") || "none");
  const name = wanted ?? outputs[0];
  if (!outputs.includes(name)) refuse("output", outputs.join(" or "), name);
  const value = importing.value(name);
  if (value === undefined || value.slot === 0)
    return refuse(`output "${name}"`, "a value computed from the input", "none");
  return importing.restored(nodes[nodes.length - 1], value).slot;
}
