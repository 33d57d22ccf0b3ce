/** @file `dequantize`: codes → f32(step·code). */
import { sizeOf } from "../../core/shape.js";
import type { PlanDequantize } from "../../format/nodes/dequantize.js";
import type { StepMaker } from "../step.js";

export const dequantize: StepMaker<PlanDequantize> = ({ input: { shape, step }, kernels }) => {
  const size = sizeOf(shape);
  return (batch, [x], y) => kernels.u8_dequantize(x, y, batch * size, step as number);
};
