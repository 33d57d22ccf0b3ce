/** @file `pad`: zeros around images. */
import type { PlanPad } from "../../format/nodes/pad.js";
import type { StepMaker } from "../step.js";
import { amongZeros, layoutOf } from "../strided.js";

export const pad: StepMaker<PlanPad> = (source) => {
  const { node, input, output, constants } = source;
  const [h, w, channels] = input.shape;
  const [tall, wide] = output.shape;
  const [top, , left] = node.padding;
  const layout = layoutOf(constants, [1, h, w * channels], [tall * wide * channels, wide * channels, 1]);
  return amongZeros(source, (top * wide + left) * channels, 3, layout);
};
