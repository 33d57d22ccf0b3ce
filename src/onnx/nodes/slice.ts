/** @file `slice` as Slice. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

/** ONNX axes of the axes of a plan's value: images are [N,C,H,W] there. */
const IMAGE_AXES = [2, 3, 1];
const VECTOR_AXES = [1];

export const slice: NodeEmitter<NodeOf<"slice">> = ({ node: { id, start, step, count }, emitter, x }) => {
  const axes = start.length === 3 ? IMAGE_AXES : VECTOR_AXES;
  const list = (field: string, values: readonly number[]): string =>
    emitter.builder.constant(`${id}/${field}`, [values.length], BigInt64Array.from(values, BigInt));
  const ends = start.map((first, axis) => first + (count[axis] - 1) * step[axis] + 1);
  const inputs = [list("starts", start), list("ends", ends), list("axes", axes), list("steps", step)];
  return [emitter.builder.node("Slice", [emitter.plain(x), ...inputs], id)];
};
