/** @file Float networks from ONNX files. */
import { checkBytes, checkOptions, flag, integer, listOf, text } from "../core/checks.js";
import { isMap, isPlainObject } from "../core/containers.js";
import { ArgumentError, FormatError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import { bytesIn } from "../core/typed-arrays.js";
import type { Module } from "../nn/module.js";
import type { ExternalData } from "./external.js";
import { FOLDED_OPERATORS, fold } from "./fold.js";
import { type Graph, type GraphNode, neededFor, readGraph } from "./graph.js";
import * as activations from "./import-activations.js";
import { importArithmetic, importSum } from "./import-arithmetic.js";
import * as extents from "./import-extents.js";
import { importLayerNorm } from "./import-layer-norm.js";
import * as layers from "./import-layers.js";
import * as norms from "./import-norms.js";
import * as pointwise from "./import-pointwise.js";
import * as rearrange from "./import-rearrange.js";
import { importReduction } from "./import-reduction.js";
import { importResize } from "./import-resize.js";
import { readsSequence } from "./import-sequence.js";
import * as shapes from "./import-shapes.js";
import { importSoftmax } from "./import-softmax.js";
import { importSplit } from "./import-split.js";
import { importConvTranspose } from "./import-transposed.js";
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
  /**
   * Bytes of the files beside the file that hold its values ("external data"), by the names that it gives them; or of
   * the only such file. `externalFiles` lists the names.
   */
  externalData?: ExternalData;
  /** Leave out a Softmax or LogSoftmax at the end, as training and packing want it; `notes` says so. Default false. */
  logits?: boolean;
}

type Rule = (node: GraphNode, importing: Importing) => void;

/** Bytes, or a map or record of bytes. */
const EXTERNAL_DATA = (value: unknown): string | null =>
  bytesIn(value) !== null || isMap(value) || isPlainObject(value) ? null : "bytes, or a map or record of bytes";

/** Import of each operator on computed values; `fold` takes those on constants. */
const RULES: Readonly<Record<string, Rule>> = {
  Conv: weights.importConv,
  ConvTranspose: importConvTranspose,
  Gemm: weights.importGemm,
  MatMul: weights.importMatMul,
  BatchNormalization: weights.importBatchNorm,
  LayerNormalization: importLayerNorm,
  Relu: layers.importRelu,
  Sigmoid: layers.importSigmoid,
  Tanh: layers.importTanh,
  LeakyRelu: activations.importLeakyRelu,
  PRelu: activations.importPRelu,
  Elu: activations.importElu,
  Selu: activations.importSelu,
  Gelu: activations.importGelu,
  HardSigmoid: activations.importHardSigmoid,
  HardSwish: activations.importHardSwish,
  Clip: layers.importClip,
  MaxPool: layers.importPool,
  AveragePool: layers.importPool,
  GlobalMaxPool: layers.importPool,
  GlobalAveragePool: layers.importPool,
  ReduceMean: importReduction,
  ReduceSum: importReduction,
  ReduceMax: importReduction,
  ReduceMin: importReduction,
  Max: layers.importBound,
  Min: layers.importBound,
  Sum: importSum,
  Add: importArithmetic,
  Sub: importArithmetic,
  Mul: importArithmetic,
  Div: importArithmetic,
  Pow: importArithmetic,
  Abs: pointwise.importPointwise,
  Exp: pointwise.importPointwise,
  Log: pointwise.importPointwise,
  Neg: pointwise.importPointwise,
  Softplus: pointwise.importPointwise,
  Sqrt: pointwise.importPointwise,
  Reciprocal: pointwise.importReciprocal,
  LRN: norms.importLocalResponseNorm,
  InstanceNormalization: norms.importInstanceNorm,
  MeanVarianceNormalization: norms.importMeanVariance,
  DepthToSpace: rearrange.importDepthToSpace,
  SpaceToDepth: rearrange.importDepthToSpace,
  Split: importSplit,
  Expand: extents.importExpand,
  Tile: extents.importTile,
  ConstantOfShape: extents.importFilled,
  Softmax: importSoftmax,
  LogSoftmax: importSoftmax,
  Concat: layers.importConcat,
  Dropout: layers.importDropout,
  Resize: importResize,
  Upsample: importResize,
  Flatten: shapes.importFlatten,
  Reshape: shapes.importReshape,
  Transpose: shapes.importTranspose,
  Squeeze: shapes.importSqueeze,
  Unsqueeze: shapes.importUnsqueeze,
  Pad: shapes.importPad,
  Slice: shapes.importSlice,
  Shape: extents.importShape,
  Gather: extents.importGather,
  Identity: shapes.importIdentity,
  Constant: shapes.importConstant,
  Cast: shapes.importCast,
};

/** Operators that {@link importOnnx} understands. */
export const IMPORTED_OPERATORS: readonly string[] = Object.keys(RULES);

/** Those that are understood on constants alone. */
const CONSTANTS_ALONE = FOLDED_OPERATORS.filter((op) => !Object.hasOwn(RULES, op));

/**
 * A float CNN from an ONNX file, as a network that can be trained, quantized with `prepare`, packed and verified.
 *
 * Images are [N,H,W,C] here whatever the file has; the weights behind a flatten are put in that order. Layers have the
 * names of their weights. Files with a byte input (as `exportOnnx` writes them) give a network for codes: see `input`.
 *
 * @param bytes the whole file; not kept
 * @returns the network, in training mode, owned by the caller
 * @throws FormatError naming file, node and operator, what was expected and what was met: malformed bytes, operators,
 *   attributes or forms that are not supported, cycles, extents left open, external data that was not given, numbers that are not finite;
 *   ArgumentError on a bad `inputShape`
 * @example
 * const net = importOnnx(bytes);
 * prepare(net, { weights: 1, activations: 4 });
 */
export function importOnnx(bytes: Uint8Array | ArrayBufferLike, options: ImportOptions = {}): OnnxNetwork {
  checkOptions("importOnnx", options, {
    file: text,
    inputShape: listOf(integer(1)),
    output: text,
    externalData: EXTERNAL_DATA,
    logits: flag,
  });
  const { file = "ONNX file", logits = false } = options;
  const whole = readGraph(checkBytes("importOnnx", "bytes", bytes), file, options.externalData);
  const output = outputName(whole, options.output);
  const graph = neededFor(whole, output);
  const importing = new Importing(graph, output, logits);
  const info = setInput(graph, importing, options.inputShape);
  const patterns = activations.activationPatterns(importing);
  // Constants first: nodes look ahead at what stands behind them.
  const constants = graph.nodes.filter(({ op }) => op === "Constant");
  for (const node of [...constants, ...graph.nodes.filter(({ op }) => op !== "Constant")]) {
    if (importing.done.has(node)) continue;
    const pattern = patterns.get(node);
    if (pattern !== undefined) {
      activations.importPattern(node, importing, pattern);
      continue;
    }
    if (fold(node, importing)) {
      node.attributes.finish();
      continue;
    }
    if (CONSTANTS_ALONE.includes(node.op)) importing.refuse(node, "inputs", "constants", "computed values");
    if (!Object.hasOwn(RULES, node.op)) {
      importing.refuse(node, "operator that is not supported", IMPORTED_OPERATORS.join(", "), node.op);
    }
    RULES[node.op](node, importing);
    node.attributes.finish();
  }
  const result = outputOf(graph, importing, output);
  const inputShape = importing.inputImage ?? info.inputShape;
  const made = new Map<string, Module>();
  try {
    for (const [key, make] of importing.layers) made.set(key, make());
    const input = { ...info, inputShape, inputStep: importing.inputStep };
    return new OnnxNetwork(made, importing.steps, result, input, importing.notes);
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
  if (extents === null || extents.length < 2 || extents.length > 4) {
    return refuse(
      `input "${name}"`,
      "[N,C,H,W], [N,H,W,C], [N,C,T], [N,H,W] or [N,F]",
      extents === null ? "no shape" : `${extents.length} axes`,
    );
  }
  const last = extents.length === 4 && becomesChannelsFirst(name, importing);
  const own = extents.slice(1);
  const sequence = extents.length === 3 && readsSequence(name, importing);
  const ours = sequence
    ? [own[1], own[0]]
    : own.length === 3 && !last
      ? [own[1], own[2], own[0]]
      : own.length === 2
        ? [...own, 1]
        : own;
  const inputShape = ours.map((extent, i) => {
    const given = wanted?.[i];
    if (
      wanted !== undefined &&
      (wanted.length !== ours.length || (extent !== null && extent !== 0 && extent !== given))
    ) {
      throw new ArgumentError({
        op: "importOnnx",
        what: "inputShape",
        expected: `[${ours.map((n) => n ?? "any")}], channels last`,
        got: `[${wanted}]`,
      });
    }
    return (
      // Some exporters write 0 where an extent is open.
      (extent === 0 ? (given ?? extent) : extent) ??
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
    shape: sequence ? [b, a] : own.length === 2 ? [a, b] : own.length === 1 || last ? inputShape : [c, a, b],
    layout: own.length === 1 ? "rows" : sequence ? "sequence" : own.length === 2 ? "plane" : last ? "last" : "image",
    stretches: null,
  };
  importing.set(name, value);
  return { inputShape, inputType: codes ? "u8" : "f32", inputStep: 1 };
}

/** Operators that may stand between an input with channels last and its transposition. */
const ELEMENTWISE: readonly string[] = ["Add", "Sub", "Mul", "Div", "Cast", "Identity"];

/**
 * True if all that reads a value transposes it from channels last to channels first, rescaled at most. A Reshape does
 * that to grey images.
 */
function becomesChannelsFirst(name: string, importing: Importing): boolean {
  const seen = new Set([name]);
  const [, ...own] = importing.graph.inputs[0].extents ?? [];
  const [h, w] = own;
  const grey = (extents: string): boolean =>
    own[2] === 1 && (h !== 1 || w !== 1) && `${importing.extents(extents)?.list.slice(1)}` === `1,${h},${w}`;
  // The set grows while it is gone through.
  for (const at of seen) {
    const readers = importing.readers(at);
    if (readers.length === 0) return false;
    for (const { op, attributes, inputs, outputs } of readers) {
      if (ELEMENTWISE.includes(op)) seen.add(outputs[0]);
      else if (op === "Reshape" && grey(inputs[1])) continue;
      else if (op !== "Transpose" || `${attributes.peekInts("perm")}` !== "0,3,1,2") return false;
    }
  }
  return true;
}

/** Name of the output that is wanted. */
function outputName({ file, outputs }: Graph, wanted: string | undefined): string {
  const refuse = (what: string, expected: string, got: string, hint?: string): never => {
    throw new FormatError({ op: file, what, expected, got, hint });
  };
  if (wanted === undefined && new Set(outputs).size !== 1) {
    const hint = outputs.length > 1 ? "say which one is wanted: output" : undefined;
    refuse("outputs", "one", outputs.join(", ") || "none", hint);
  }
  const name = wanted ?? outputs[0];
  if (!outputs.includes(name)) refuse("output", outputs.join(" or "), name);
  return name;
}

/** Number of the value that is the result, with rows in ONNX's order. */
function outputOf({ file, nodes }: Graph, importing: Importing, name: string): number {
  const value = importing.value(name);
  if (value === undefined || value.slot === 0) {
    const expected = "a value computed from the input";
    throw new FormatError({ op: file, what: `output "${name}"`, expected, got: "none" });
  }
  return importing.restored(nodes[nodes.length - 1], value).slot;
}
