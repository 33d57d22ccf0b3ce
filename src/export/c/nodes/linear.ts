/** @file `linear` in C, as a convolution of one pixel. */
import type { PlanLinear } from "../../../format/nodes/linear.js";
import type { PlanWindow } from "../../../format/window.js";
import type { CLowering } from "../lowering.js";
import { quantizedStep } from "../quantized.js";

/** What a linear layer is as a convolution. */
export const POINT: PlanWindow = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

export const linear: CLowering<PlanLinear> = (source) =>
  quantizedStep(source, { window: POINT, image: [1, 1, source.input.shape[0]], groups: 1, extents: [1, 1] });
