/**
 * @file `resize` as Resize by factors (extents would have to name the batch); nearest pixels that a whole factor does
 * not give as Gather.
 */
import { tapsOf } from "../../core/resample.js";
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const resize: NodeEmitter<NodeOf<"resize">> = ({ node, emitter, x }) => {
  const { builder } = emitter;
  const { id, mode, coordinates, size, scaleH = null, scaleW = null } = node;
  const [h, w] = x.type.shape;
  const scales = [scaleH, scaleW];
  const factors = (): string =>
    builder.constant(
      `${id}/scales`,
      [4],
      Float32Array.of(1, 1, ...[h, w].map((extent, i) => factorOf(scales[i] ?? size[i] / extent, extent, size[i]))),
    );
  if (mode === "linear") {
    const attributes = { mode: "linear", coordinate_transformation_mode: coordinates };
    return [builder.node("Resize", [x.name, "", factors()], id, attributes)];
  }
  const taps = [h, w].map((extent, i) => tapsOf(mode, coordinates, extent, size[i], scales[i]).low);
  const whole = [h, w].every(
    (extent, i) => size[i] % extent === 0 && taps[i].every((at, p) => at === Math.floor((p * extent) / size[i])),
  );
  if (whole) {
    const attributes = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    return [builder.node("Resize", [x.name, "", factors()], id, attributes)];
  }
  const [rows, columns] = taps.map((low, i) =>
    builder.constant(`${id}/${i === 0 ? "rows" : "columns"}`, [low.length], BigInt64Array.from(low, BigInt)),
  );
  const tall = builder.node("Gather", [x.name, rows], `${id}/tall`, { axis: 2 });
  return [builder.node("Gather", [tall, columns], id, { axis: 3 })];
};

/** The factor as f32; the next larger one if its product with the extent were cut to less than `out`. */
function factorOf(factor: number, extent: number, out: number): number {
  const single = Float32Array.of(factor);
  if (Math.floor(Math.fround(single[0] * extent)) < out || Math.floor(single[0] * extent) < out) {
    new Int32Array(single.buffer)[0]++;
  }
  return single[0];
}
