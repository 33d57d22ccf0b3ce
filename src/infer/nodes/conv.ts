/** @file `conv`: convolution of codes with weight codes. */
import type { PlanConv } from "../../format/nodes/conv.js";
import { asConvolution, quantizedStep } from "../quantized.js";
import type { StepMaker } from "../step.js";

export const conv: StepMaker<PlanConv> = (source) => quantizedStep(source, asConvolution(source));
