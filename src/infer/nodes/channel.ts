/** @file `channel`: each channel combined with a constant. */
import type { PlanChannel } from "../../format/nodes/channel.js";
import type { StepMaker } from "../step.js";

export const channel: StepMaker<PlanChannel> = ({ node, data, constants, size, kernels }) => {
  const combine = kernels[`f32_${node.fn}`];
  const value = data.value as Float32Array;
  const values = constants.f32(value);
  return (batch, [x], y) => combine(x, values(), y, batch * size, batch * size, value.length);
};
