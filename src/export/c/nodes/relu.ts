/** @file `relu` in C: max(x, 0); what is no number passes. */
import type { PlanRelu } from "../../../format/nodes/relu.js";
import { type CLowering, loop } from "../lowering.js";

export const relu: CLowering<PlanRelu> = ({ size }) => ({
  body: loop("i", size, ["y[i] = x[i] <= 0.0f ? 0.0f : x[i];"]),
  inPlace: true,
});
