/** @file `flatten` as Flatten, where the elements stay in ONNX's order, channels outermost; or as Reshape. */
import type { NodeOf } from "../../format/index.js";
import { type EmittedValue, type Emitter, flattenedOrder, type NodeEmitter } from "../emitter.js";

export const flatten: NodeEmitter<NodeOf<"flatten">> = ({ node: { id, shape }, emitter, x }) =>
  shape === undefined
    ? [emitter.builder.node("Flatten", [x.name], id, { axis: 1 }), flattenedOrder(x.type.shape)]
    : [reshaped(id, shape, emitter, x)];

/** The plan's order of elements under another shape; images are [N,C,H,W] before and behind. */
function reshaped(id: string, shape: readonly number[], emitter: Emitter, x: EmittedValue): string {
  const { builder } = emitter;
  const images = shape.length === 3;
  const from =
    x.type.shape.length === 3
      ? builder.node("Transpose", [x.name], `${id}/nhwc`, { perm: [0, 2, 3, 1] })
      : emitter.plain(x);
  const extents = builder.constant(`${id}/shape`, [shape.length + 1], BigInt64Array.from([0, ...shape], BigInt));
  const y = builder.node("Reshape", [from, extents], images ? `${id}/nhwc` : id);
  return images ? builder.node("Transpose", [y], id, { perm: [0, 3, 1, 2] }) : y;
}
