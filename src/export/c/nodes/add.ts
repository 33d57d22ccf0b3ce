/** @file `add` in C: sum of two values. */
import type { PlanAdd } from "../../../format/nodes/add.js";
import { type CLowering, loop } from "../lowering.js";

export const add: CLowering<PlanAdd> = ({ size }) => ({
  body: loop("i", size, ["y[i] = x[i] + x1[i];"]),
  inPlace: true,
});
