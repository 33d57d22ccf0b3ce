/** @file `relu`: max(x, 0). */
import type { PlanRelu } from "../../format/nodes/relu.js";
import type { StepMaker } from "../step.js";

export const relu: StepMaker<PlanRelu> =
  ({ size, kernels }) =>
  (batch, [x], y) =>
    kernels.f32_relu(x, y, batch * size);
