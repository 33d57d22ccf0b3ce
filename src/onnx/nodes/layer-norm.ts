/** @file `layerNorm` as LayerNormalization, images with their channels last. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const layerNorm: NodeEmitter<NodeOf<"layerNorm">> = ({ node, data, emitter, x }) => {
  const { builder } = emitter;
  const { id, axes, eps } = node;
  const images = x.type.shape.length === 3;
  const own = x.type.shape.slice(-axes);
  const size = own.reduce((product, extent) => product * extent, 1);
  const input = images ? builder.node("Transpose", [x.name], `${id}/nhwc`, { perm: [0, 2, 3, 1] }) : emitter.plain(x);
  const scale = builder.constant(`${id}/scale`, own, data.scale ?? new Float32Array(size).fill(1));
  const shift = data.shift === undefined ? [] : [builder.constant(`${id}/shift`, own, data.shift)];
  const attributes = { axis: -axes, epsilon: { float: eps } };
  const y = builder.node("LayerNormalization", [input, scale, ...shift], images ? `${id}/last` : id, attributes);
  return [images ? builder.node("Transpose", [y], id, { perm: [0, 3, 1, 2] }) : y];
};
