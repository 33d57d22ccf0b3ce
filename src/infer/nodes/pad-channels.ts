/** @file `padChannels`: zeros beside the channels of images. */
import type { PlanPadChannels } from "../../format/nodes/pad-channels.js";
import type { StepMaker } from "../step.js";
import { amongZeros, layoutOf } from "../strided.js";

export const padChannels: StepMaker<PlanPadChannels> = (source) => {
  const { node, input, output, constants } = source;
  const [h, w, channels] = input.shape;
  return amongZeros(source, node.channels[0], 2, layoutOf(constants, [h * w, channels], [output.shape[2], 1]));
};
