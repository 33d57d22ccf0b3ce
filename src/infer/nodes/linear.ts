/** @file `linear`: product of codes with weight codes, as a convolution of one pixel. */
import type { PlanLinear } from "../../format/nodes/linear.js";
import type { PlanWindow } from "../../format/window.js";
import { quantizedStep } from "../quantized.js";
import type { StepMaker } from "../step.js";

/** A pixel of a vector: what a linear layer is as a convolution. */
const POINT: PlanWindow = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

export const linear: StepMaker<PlanLinear> = (source) =>
  quantizedStep(source, { window: POINT, image: [1, 1, source.input.shape[0]], groups: 1, positions: 1 });
