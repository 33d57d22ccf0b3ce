/** @file `resize` as Resize; nearest pixels that a factor does not give as Gather. */
import { tapsOf } from "../../core/resample.js";
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const resize: NodeEmitter<NodeOf<"resize">> = ({ node, emitter, x }) => {
  const { builder } = emitter;
  const { id, mode, coordinates, size, scaleH = null, scaleW = null } = node;
  const [h, w] = x.type.shape;
  const scales = [scaleH, scaleW];
  const sizesOf = (): string => builder.constant(`${id}/sizes`, [2], BigInt64Array.from(size, BigInt));
  if (mode === "linear") {
    const attributes = { mode: "linear", coordinate_transformation_mode: coordinates, axes: [2, 3] };
    if (scaleH === null && scaleW === null) {
      return [builder.node("Resize", [x.name, "", "", sizesOf()], id, attributes)];
    }
    const factors = [h, w].map((extent, i) => Math.fround(scales[i] ?? size[i] / extent));
    const given = builder.constant(`${id}/scales`, [2], Float32Array.from(factors));
    return [builder.node("Resize", [x.name, "", given], id, attributes)];
  }
  const taps = [h, w].map((extent, i) => tapsOf(mode, coordinates, extent, size[i], scales[i]).low);
  const whole = [h, w].every(
    (extent, i) => size[i] % extent === 0 && taps[i].every((at, p) => at === Math.floor((p * extent) / size[i])),
  );
  if (whole) {
    const factors = Float32Array.of(size[0] / h, size[1] / w);
    const given = builder.constant(`${id}/scales`, [2], factors);
    const how = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    const attributes = { ...how, axes: [2, 3] };
    return [builder.node("Resize", [x.name, "", given], id, attributes)];
  }
  const [rows, columns] = taps.map((low, i) =>
    builder.constant(`${id}/${i === 0 ? "rows" : "columns"}`, [low.length], BigInt64Array.from(low, BigInt)),
  );
  const tall = builder.node("Gather", [x.name, rows], `${id}/tall`, { axis: 2 });
  return [builder.node("Gather", [tall, columns], id, { axis: 3 })];
};
