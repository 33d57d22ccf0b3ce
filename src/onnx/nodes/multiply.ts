/** @file `multiply` as Mul, of two values whose elements are in one order. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const multiply: NodeEmitter<NodeOf<"multiply">> = ({ node, emitter, x }) => {
  const other = emitter.value(node.inputs[1]);
  const same = `${x.order}` === `${other.order}`;
  const inputs = same ? [x.name, other.name] : [emitter.plain(x), emitter.plain(other)];
  return [emitter.builder.node("Mul", inputs, node.id), same ? x.order : null];
};
