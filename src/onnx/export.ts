/** @file Networks and packed models as ONNX files of standard operators. */
import { checkOptions, flag, oneOf } from "../core/checks.js";
import type { PackOptions } from "../export/index.js";
import { checkNetwork, lowered, PACK_OPTIONS } from "../export/pack.js";
import { INPUT_ID, type NodeData, openPacked, type PackedModel, type Plan, planValues } from "../format/index.js";
import { provideKinds } from "../infer/kinds.js";
import type { Module } from "../nn/module.js";
import type { Port } from "./builder.js";
import { type EmittedValue, Emitter } from "./emitter.js";
import { emitNode } from "./nodes/index.js";
import { ELEMENT } from "./schema.js";

/** Choices of {@link exportOnnx} and {@link exportPackedOnnx}. */
export interface OnnxOptions {
  /**
   * Keep weights of 1, 2, 3 and 4 bits as bits in the file; operators unpack them when it is loaded. Default false: a
   * byte each.
   */
  pack?: boolean;
  /**
   * `integer` (default): ConvInteger and MatMulInteger. `float`: Conv and MatMul on codes as whole numbers, their sums
   * rounded, for runtimes without integer operators; exact as long as their f32 sums err by less than a half.
   */
  arithmetic?: "integer" | "float";
  /**
   * Give every layer's value as an output beside the last one, named as the layer; images are [N,C,H,W]. Default false.
   */
  intermediates?: boolean;
}

const OPTIONS = { pack: flag, arithmetic: oneOf("integer", "float"), intermediates: flag };
/** Name of the file's input and of its output. */
const INPUT_NAME = "input";
const OUTPUT_NAME = "output";
const BATCH = "N";

/**
 * A network, float or quantized, as an ONNX file (opset 21, IR 10, standard operators).
 *
 * Quantized layers multiply integer codes; scale, bias, batch norm and staircase follow as f32 operators in the order
 * of training's forward pass, so that a runtime that rounds each of them once gives training's codes. The input is [N,
 * …inputShape] as in `pack`, images channels last.
 *
 * @param net as for `pack`; it runs once in evaluation mode to be read and is not changed
 * @returns the file's bytes, owned by the caller; the same network gives the same bytes
 * @throws QuantError naming op, layer and shape for what has no counterpart; ArgumentError on an unknown arithmetic
 * @example
 * const bytes = exportOnnx(net, { inputShape: [28, 28, 1] });
 */
export function exportOnnx(net: Module, options: PackOptions & OnnxOptions): Uint8Array {
  checkNetwork("exportOnnx", net);
  checkOptions("exportOnnx", options, { ...PACK_OPTIONS, ...OPTIONS }, ["inputShape"]);
  const { pack, arithmetic, intermediates, ...rest } = options;
  const { plan, data } = lowered(net, rest, false);
  return planToOnnx(plan, data, options);
}

/**
 * A packed model as an ONNX file. Scale and batch norm are folded into integer thresholds there, which become a
 * straight line rounded to nearest where one gives the same codes, else comparisons: the codes are the packed
 * runtime's, and so training's.
 *
 * @param packed bytes of the file, or what `readPacked` made of them
 * @returns the file's bytes, owned by the caller
 * @throws FormatError if the bytes are not a packed model; ArgumentError on an unknown arithmetic
 */
export function exportPackedOnnx(
  packed: Uint8Array | ArrayBufferLike | PackedModel,
  options: OnnxOptions = {},
): Uint8Array {
  checkOptions("exportPackedOnnx", options, OPTIONS);
  provideKinds();
  const { plan, data } = openPacked("exportPackedOnnx", packed);
  return planToOnnx(plan, data, options);
}

function planToOnnx(plan: Plan, data: ReadonlyMap<string, NodeData>, options: OnnxOptions): Uint8Array {
  const { pack = false, arithmetic = "integer", intermediates = false } = options;
  const emitter = new Emitter(planValues(plan, "exportOnnx"), { pack, arithmetic });
  const input = emitInput(emitter);
  emitter.builder.name(OUTPUT_NAME);
  for (const node of plan.nodes) emitNode(node, data.get(node.id) ?? {}, emitter);
  const output = emitOutput(emitter, emitter.value(plan.output));
  const inner = intermediates ? plan.nodes.map(({ id }) => portOf(emitter.value(id))) : [];
  return emitter.builder.finish([input], [output, ...inner], {
    doc: describe(plan),
    metadata: plan.classes === undefined ? [] : [{ key: "classes", value: JSON.stringify(plan.classes) }],
  });
}

/** The graph's input; images are transposed here, once. */
function emitInput(emitter: Emitter): Port {
  const { builder } = emitter;
  const { shape, dtype } = emitter.type(INPUT_ID);
  const name = builder.name(INPUT_NAME);
  const images = shape.length === 3;
  emitter.set(INPUT_ID, images ? builder.node("Transpose", [name], `${name}/nchw`, { perm: [0, 3, 1, 2] }) : name);
  return { name, element: dtype === "u8" ? ELEMENT.UINT8 : ELEMENT.FLOAT, shape: [BATCH, ...shape] };
}

/** The graph's output: real numbers in the plan's order. */
function emitOutput(emitter: Emitter, value: EmittedValue): Port {
  const { builder } = emitter;
  const { shape } = value.type;
  let name = emitter.plain(value);
  if (value.type.step !== null) name = emitter.real({ ...value, name });
  if (shape.length === 3) name = builder.node("Transpose", [name], `${name}/nhwc`, { perm: [0, 2, 3, 1] });
  builder.emit("Identity", [name], OUTPUT_NAME);
  return { name: OUTPUT_NAME, element: ELEMENT.FLOAT, shape: [BATCH, ...shape] };
}

/** A layer's value as it is in the graph. */
function portOf({ name, type: { shape, dtype } }: EmittedValue): Port {
  const extents = shape.length === 3 ? [shape[2], shape[0], shape[1]] : shape;
  return { name, element: dtype === "u8" ? ELEMENT.UINT8 : ELEMENT.FLOAT, shape: [BATCH, ...extents] };
}

function describe({ input: { dtype, step, shape } }: Plan): string {
  const layout = shape.length === 3 ? "images [N,H,W,C]" : "vectors";
  return dtype === "u8" ? `Input: ${layout} of bytes; code 1 stands for ${step}.` : `Input: ${layout} of real numbers.`;
}
