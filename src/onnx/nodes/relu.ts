/** @file `relu` as Relu. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const relu: NodeEmitter<NodeOf<"relu">> = ({ node, emitter, x }) => [
  emitter.builder.node("Relu", [x.name], node.id),
  x.order,
];
