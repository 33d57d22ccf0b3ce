/** @file `maxPool` as MaxPool. */
import type { NodeOf } from "../../format/index.js";
import { type NodeEmitter, windowAttributes } from "../emitter.js";

export const maxPool: NodeEmitter<NodeOf<"maxPool">> = ({ node, emitter, x }) => [
  emitter.builder.node("MaxPool", [x.name], node.id, windowAttributes(node)),
];
