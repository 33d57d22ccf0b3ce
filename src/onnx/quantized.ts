/** @file What quantized layers become, in the order and with the roundings of training. */
import { linesOf } from "../codes/lines.js";
import { scalesOf } from "../codes/scales.js";
import { sumsOf } from "../codes/sums.js";
import type { Thresholds } from "../codes/thresholds.js";
import type { NodeData, PlanQuantized, ValueType } from "../format/index.js";
import type { Attribute } from "./builder.js";
import type { EmittedWeights } from "./emit-weights.js";
import type { Emission, Emitted, Emitter } from "./emitter.js";
import { ELEMENT } from "./schema.js";

/** How a layer multiplies. */
export interface ProductOperators {
  readonly integer: "ConvInteger" | "MatMulInteger";
  readonly float: "Conv" | "MatMul";
  readonly weights: EmittedWeights;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Σ code_x·code_w as f32: exact, as integers or as whole numbers in float. */
function accumulators(
  { node: { id }, emitter, x }: Emission<PlanQuantized>,
  { integer, float, weights, attributes }: ProductOperators,
): string {
  const { builder, options } = emitter;
  if (options.arithmetic === "integer") {
    const inputs = [x.name, weights.name, emitter.u8(0), emitter.u8(weights.zero)];
    return emitter.float(builder.node(integer, inputs, `${id}/sums`, attributes));
  }
  const signed = builder.node("Sub", [emitter.float(weights.name), emitter.f32(weights.zero)], `${id}/weight/signed`);
  const product = builder.node(float, [emitter.float(x.name), signed], `${id}/product`, attributes);
  // Sums are whole: rounding takes away what a runtime's order of summation adds, and keeps it from folding the scale
  // into the weights.
  return builder.node("Round", [product], `${id}/sums`);
}

/** A quantized layer: with thresholds gives codes, without them f32(f32(acc·s) + bias), s = f32(delta·step). */
export function emitQuantized(emission: Emission<PlanQuantized>, operators: ProductOperators): Emitted {
  const { node, data, emitter, x } = emission;
  const { builder } = emitter;
  const { id, out } = node;
  const { shape } = emitter.type(id);
  const sums = accumulators(emission, operators);
  if (data.thresholds !== undefined) return [byThresholds(id, sums, data, x.type, shape.length, emitter)];
  const scale = scalesOf(data.delta as Float32Array, x.type.step as number, out);
  // Training adds a bias even if there is none; it shows only where a scale of 0 would give −0.
  const bias = data.bias ?? (scale.includes(0) ? new Float32Array(out) : null);
  const scaled = [sums, emitter.perChannel(`${id}/scale`, scale, shape.length)];
  if (bias === null) return [builder.node("Mul", scaled, id)];
  const product = builder.node("Mul", scaled, `${id}/scaled`);
  return [builder.node("Add", [product, emitter.perChannel(`${id}/bias`, bias, shape.length)], id)];
}

/**
 * Codes of a layer whose scale and batch norm are folded: by the line that repeats its thresholds, else by counting
 * those that are passed.
 */
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

/** Whole numbers of a quotient, held in 0…top. */
export function codesOf(
  quotient: string,
  rounding: "Ceil" | "Round",
  top: number,
  id: string,
  emitter: Emitter,
): string {
  const { builder } = emitter;
  const whole = builder.node(rounding, [quotient], `${id}/whole`);
  const held = builder.node("Clip", [whole, emitter.f32(0), emitter.f32(top)], `${id}/held`);
  return builder.node("Cast", [held], id, { to: ELEMENT.UINT8 });
}
