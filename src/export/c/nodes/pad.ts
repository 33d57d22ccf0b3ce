/** @file `pad` in C: zeros around images. */
import type { PlanPad } from "../../../format/nodes/pad.js";
import { type CLowering, loop } from "../lowering.js";

export const pad: CLowering<PlanPad> = ({ node, input, output, size }) => {
  const [h, w, channels] = input.shape;
  const [top, , left] = node.padding;
  const wide = output.shape[1] * channels;
  return {
    body: [
      ...loop("i", size, ["y[i] = 0;"]),
      `y += ${top * wide + left * channels};`,
      ...loop("row", h, [...loop("i", w * channels, ["y[i] = *x++;"]), `y += ${wide};`]),
    ],
  };
};
