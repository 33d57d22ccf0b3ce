/**
 * @file `channel`: each channel combined with a constant; bit for bit, with as few kernels as do it: they are loaded with
 * every model.
 */
import type { PlanChannel } from "../../format/nodes/channel.js";
import type { StepMaker } from "../step.js";

export const channel: StepMaker<PlanChannel> = ({ node, data, constants, size, kernels, heap }) => {
  const { fn } = node;
  const value = data.value as Float32Array;
  const channels = value.length;
  // x − v is x + (−v).
  const values = constants.f32(fn === "sub" ? value.map((v) => -v) : value);
  if (fn === "mul") {
    // x·v is x·v + (−0), of zeros too.
    const shifts = constants.f32(new Float32Array(channels).fill(-0));
    return (batch, [x], y) => kernels.f32_channel_affine(x, y, (batch * size) / channels, channels, values(), shifts());
  }
  return (batch, [x], y) => {
    const length = batch * size;
    if (fn !== "div") return kernels.f32_add(x, values(), y, length, length, channels);
    const [from, by, to] = [heap().f32(x, length), heap().f32(values(), channels), heap().f32(y, length)];
    for (let i = 0; i < length; i++) to[i] = from[i] / by[i % channels];
  };
};
