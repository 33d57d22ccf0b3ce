/** @file `floatLinear` in C: products in float, summed as in the runtime. */
import type { PlanFloatLinear } from "../../../format/nodes/float-linear.js";
import { floatStep } from "../float-layer.js";
import type { CLowering } from "../lowering.js";
import { POINT } from "./linear.js";

export const floatLinear: CLowering<PlanFloatLinear> = (source) =>
  floatStep(source, { window: POINT, image: [1, 1, source.input.shape[0]], groups: 1, extents: [1, 1] });
