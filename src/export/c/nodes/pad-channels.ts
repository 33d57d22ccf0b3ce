/** @file `padChannels` in C: zeros beside the channels of images. */
import type { PlanPadChannels } from "../../../format/nodes/pad-channels.js";
import { type CLowering, loop } from "../lowering.js";

export const padChannels: CLowering<PlanPadChannels> = ({ node, input }) => {
  const [h, w, channels] = input.shape;
  const [before, after] = node.channels;
  const body = loop("place", h * w, [
    ...(before > 0 ? loop("c", before, ["*y++ = 0;"]) : []),
    ...loop("c", channels, ["*y++ = *x++;"]),
    ...(after > 0 ? loop("c", after, ["*y++ = 0;"]) : []),
  ]);
  return { body };
};
