/** @file `padChannels` as Pad. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const padChannels: NodeEmitter<NodeOf<"padChannels">> = ({ node, emitter, x }) => {
  const [before, after] = node.channels;
  return [emitter.pad(x, node.id, [0, before, 0, 0, 0, after, 0, 0])];
};
