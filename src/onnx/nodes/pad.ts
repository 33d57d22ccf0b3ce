/** @file `pad` as Pad. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const pad: NodeEmitter<NodeOf<"pad">> = ({ node, emitter, x }) => {
  const [top, bottom, left, right] = node.padding;
  return [emitter.pad(x, node.id, [0, 0, top, left, 0, 0, bottom, right])];
};
