/** @file Quantized layers and staircases as ONNX operators, in the order and with the roundings of training. */
import { staircaseTop } from "../codes/levels.js";
import { linesOf } from "../codes/lines.js";
import { channelsFirst } from "../codes/rows.js";
import { scalesOf } from "../codes/scales.js";
import { sumsOf } from "../codes/sums.js";
import type { Thresholds } from "../codes/thresholds.js";
import type { NodeData, PlanActivation, PlanConv, PlanLinear, ValueType } from "../format/index.js";
import { emitWeights } from "./emit-weights.js";
import { type EmittedValue, type Emitter, windowAttributes } from "./emitter.js";
import { ELEMENT } from "./schema.js";

/** Rows [out][in] as columns [in][out], inputs in the order of the value that they multiply. */
function transposed(codes: Int8Array, out: number, order: Int32Array | null): Int8Array {
  const inputs = codes.length / out;
  const result = new Int8Array(codes.length);
  for (let i = 0; i < inputs; i++) {
    const from = order === null ? i : order[i];
    for (let o = 0; o < out; o++) result[i * out + o] = codes[o * inputs + from];
  }
  return result;
}

/** Σ code_x·code_w as f32: exact, as integers or as whole numbers in float. */
function accumulators(node: PlanConv | PlanLinear, x: EmittedValue, codes: Int8Array, emitter: Emitter): string {
  const { builder, options } = emitter;
  const { id, out, bits } = node;
  const conv = node.op === "conv";
  const taps = conv ? node.kernel[0] * node.kernel[1] : 1;
  const patch = codes.length / out;
  const weights = conv
    ? emitWeights(emitter, id, channelsFirst(codes, out, taps), [out, patch / taps, ...node.kernel], bits)
    : emitWeights(emitter, id, transposed(codes, out, x.order), [patch, out], bits);
  const attributes = conv ? { ...windowAttributes(node), ...(node.groups > 1 && { group: node.groups }) } : {};
  if (options.arithmetic === "integer") {
    const inputs = [x.name, weights.name, emitter.u8(0), emitter.u8(weights.zero)];
    const sums = builder.node(conv ? "ConvInteger" : "MatMulInteger", inputs, `${id}/sums`, attributes);
    return emitter.float(sums);
  }
  const signed = builder.node("Sub", [emitter.float(weights.name), emitter.f32(weights.zero)], `${id}/weight/signed`);
  const product = builder.node(conv ? "Conv" : "MatMul", [emitter.float(x.name), signed], `${id}/product`, attributes);
  // Sums are whole: rounding takes away what a runtime's order of summation adds, and keeps it from folding the scale into the weights.
  return builder.node("Round", [product], `${id}/sums`);
}

/** A quantized convolution or linear layer: with thresholds gives codes, without them f32(f32(acc·s) + bias), s = f32(delta·step). */
export function emitQuantized(node: PlanConv | PlanLinear, data: NodeData, emitter: Emitter): string {
  const { builder } = emitter;
  const { id, out } = node;
  const x = emitter.value(node.input);
  const { shape } = emitter.type(id);
  const sums = accumulators(node, x, data.codes as Int8Array, emitter);
  if (data.thresholds !== undefined) return byThresholds(id, sums, data, x.type, shape.length, emitter);
  const scale = scalesOf(data.delta as Float32Array, x.type.step as number, out);
  // Training adds a bias even if there is none; it shows only where a scale of 0 would give −0.
  const bias = data.bias ?? (scale.includes(0) ? new Float32Array(out) : null);
  const scaled = [sums, emitter.perChannel(`${id}/scale`, scale, shape.length)];
  if (bias === null) return builder.node("Mul", scaled, id);
  const product = builder.node("Mul", scaled, `${id}/scaled`);
  return builder.node("Add", [product, emitter.perChannel(`${id}/bias`, bias, shape.length)], id);
}

/** Codes of a layer whose scale and batch norm are folded: by the line that repeats its thresholds, else by counting those that are passed. */
function byThresholds(
  id: string,
  sums: string,
  data: NodeData,
  input: ValueType,
  rank: number,
  emitter: Emitter,
): string {
  const { builder } = emitter;
  const thresholds = data.thresholds as Thresholds;
  const { top, flip, values } = thresholds;
  const channels = flip.length;
  const lines = linesOf(thresholds, sumsOf(data.codes as Int8Array, channels, input.top));
  if (lines !== null) {
    const slope = emitter.perChannel(`${id}/slope`, lines.scale, rank);
    const start = emitter.perChannel(`${id}/start`, lines.shift, rank);
    const line = builder.node("Add", [builder.node("Mul", [sums, slope], `${id}/sloped`), start], `${id}/line`);
    return codesOf(line, "Round", top, id, emitter);
  }
  // acc ≤ t is −acc ≥ −t. All numbers are whole and below 2²⁴, or beyond what the sums reach.
  const signs = Float32Array.from(flip, (falls) => (falls === 0 ? 1 : -1));
  const rising = Float32Array.from(values, (value, i) => value * signs[Math.floor(i / top)]);
  const own = builder.node("Mul", [sums, emitter.perChannel(`${id}/sign`, signs, rank)], `${id}/rising`);
  const axis = builder.constant(`${id}/axis`, [1], BigInt64Array.of(-1n));
  const spread = builder.node("Unsqueeze", [own, axis], `${id}/spread`);
  const levels = builder.constant(`${id}/thresholds`, rank === 3 ? [channels, 1, 1, top] : [channels, top], rising);
  const passed = builder.node("GreaterOrEqual", [spread, levels], `${id}/passed`);
  const count = builder.node("ReduceSum", [emitter.float(passed), axis], `${id}/count`, { keepdims: 0 });
  return builder.node("Cast", [count], id, { to: ELEMENT.UINT8 });
}

function codesOf(quotient: string, rounding: "Ceil" | "Round", top: number, id: string, emitter: Emitter): string {
  const { builder } = emitter;
  const whole = builder.node(rounding, [quotient], `${id}/whole`);
  const held = builder.node("Clip", [whole, emitter.f32(0), emitter.f32(top)], `${id}/held`);
  return builder.node("Cast", [held], id, { to: ELEMENT.UINT8 });
}

/** The staircase of f32 values: Div, Ceil (or Round, half to even), Clip, Cast. @see BCGD §3 (staircase) */
export function emitStaircase(id: string, x: string, activation: PlanActivation, emitter: Emitter): string {
  const { step, rounding } = activation;
  const quotient = emitter.builder.node("Div", [x, emitter.f32(step)], `${id}/quotient`);
  return codesOf(quotient, rounding === "ceil" ? "Ceil" : "Round", staircaseTop(activation.bits), id, emitter);
}
