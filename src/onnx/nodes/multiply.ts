/** @file `multiply` as Mul, which repeats axes of extent 1 itself. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const multiply: NodeEmitter<NodeOf<"multiply">> = ({ node, emitter, x }) => {
  const other = emitter.value(node.inputs[1]);
  return [emitter.builder.node("Mul", [emitter.plain(x), emitter.plain(other)], node.id), null];
};
