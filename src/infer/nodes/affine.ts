/** @file `affine`: x·scale[c] + shift[c], two roundings. */
import type { PlanAffine } from "../../format/nodes/affine.js";
import type { StepMaker } from "../step.js";

export const affine: StepMaker<PlanAffine> = ({ size, data, constants, kernels }) => {
  const scale = data.scale as Float32Array;
  const channels = scale.length;
  const rows = size / channels;
  const [scales, shifts] = [constants.f32(scale), constants.f32(data.shift as Float32Array)];
  return (batch, [x], y) => kernels.f32_channel_affine(x, y, batch * rows, channels, scales(), shifts());
};
