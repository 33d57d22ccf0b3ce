/** @file `staircase`: f32 values → codes, by the kernel of training. */
import { roundingId } from "../../codes/staircase.js";
import type { PlanStaircase } from "../../format/nodes/staircase.js";
import type { StepMaker } from "../step.js";

export const staircase: StepMaker<PlanStaircase> = ({ node, output, size, kernels }) => {
  const { step, rounding } = node.activation;
  const nearest = roundingId(rounding);
  return (batch, [x], y) => kernels.f32_staircase(x, y, batch * size, step, output.top, nearest);
};
