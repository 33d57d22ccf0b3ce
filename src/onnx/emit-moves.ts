/** @file Plan nodes that join, cut and pad values without computing, as ONNX operators. Codes stay codes. */
import type { PlanConcat, PlanPad, PlanSlice } from "../format/index.js";
import type { EmittedValue, Emitter } from "./emitter.js";

/** ONNX axes of the axes of a plan's value: images are [N,C,H,W] there. */
const IMAGE_AXES = [2, 3, 1];
const VECTOR_AXES = [1];

/** Zeros around an image. */
export function emitPad(
  { id, padding: [top, bottom, left, right] }: PlanPad,
  x: EmittedValue,
  emitter: Emitter,
): string {
  const extents = BigInt64Array.from([0, 0, top, left, 0, 0, bottom, right], BigInt);
  const pads = emitter.builder.constant(`${id}/pads`, [8], extents);
  const zero = x.type.dtype === "u8" ? emitter.u8(0) : emitter.f32(0);
  return emitter.builder.node("Pad", [x.name, pads, zero], id);
}

/** Values joined along their last axis, which is axis 1 of an image and of a vector. */
export function emitConcat({ id, inputs }: PlanConcat, emitter: Emitter): string {
  const names = inputs.map((input) => emitter.plain(emitter.value(input)));
  return emitter.builder.node("Concat", names, id, { axis: 1 });
}

/** Elements start, start + step, … of each axis. */
export function emitSlice({ id, start, step, count }: PlanSlice, x: EmittedValue, emitter: Emitter): string {
  const axes = start.length === 3 ? IMAGE_AXES : VECTOR_AXES;
  const list = (field: string, values: readonly number[]): string =>
    emitter.builder.constant(`${id}/${field}`, [values.length], BigInt64Array.from(values, BigInt));
  const ends = start.map((first, axis) => first + (count[axis] - 1) * step[axis] + 1);
  const inputs = [list("starts", start), list("ends", ends), list("axes", axes), list("steps", step)];
  return emitter.builder.node("Slice", [emitter.plain(x), ...inputs], id);
}
