/**
 * @file `channel`: each channel combined with a constant; bit for bit, with the one kernel that other nodes need too:
 * kernels are loaded with every model.
 */
import type { PlanChannel } from "../../format/nodes/channel.js";
import type { StepMaker } from "../step.js";

export const channel: StepMaker<PlanChannel> = ({ node: { fn }, data, constants, size, kernels, heap }) => {
  const value = data.value as Float32Array;
  const channels = value.length;
  // x − v is x + (−v).
  const values = constants.f32(fn === "sub" ? value.map((v) => -v) : value);
  return (batch, [x], y) => {
    const length = batch * size;
    if (fn !== "mul" && fn !== "div") return kernels.f32_add(x, values(), y, length, length, channels);
    const from = heap().f32(x, length);
    const to = heap().f32(y, length);
    const by = heap().f32(values(), channels);
    for (let i = 0; i < length; i++) to[i] = fn === "div" ? from[i] / by[i % channels] : from[i] * by[i % channels];
  };
};
