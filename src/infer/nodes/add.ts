/** @file `add`: sum of two f32 values. */
import type { PlanAdd } from "../../format/nodes/add.js";
import type { StepMaker } from "../step.js";

export const add: StepMaker<PlanAdd> =
  ({ size, kernels }) =>
  (batch, [a, b], y) =>
    kernels.f32_add(a, b, y, batch * size, batch * size, batch * size);
