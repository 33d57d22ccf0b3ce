/** @file `flatten` as Flatten; the elements stay in ONNX's order, channels outermost. */
import type { NodeOf } from "../../format/index.js";
import { flattenedOrder, type NodeEmitter } from "../emitter.js";

export const flatten: NodeEmitter<NodeOf<"flatten">> = ({ node, emitter, x }) => [
  emitter.builder.node("Flatten", [x.name], node.id, { axis: 1 }),
  flattenedOrder(x.type.shape),
];
