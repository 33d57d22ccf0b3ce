/** @file `concat` as Concat along axis 1, which is the last of a plan's value, of images and of vectors. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const concat: NodeEmitter<NodeOf<"concat">> = ({ node: { id, inputs }, emitter }) => {
  const names = inputs.map((input) => emitter.plain(emitter.value(input)));
  return [emitter.builder.node("Concat", names, id, { axis: 1 })];
};
