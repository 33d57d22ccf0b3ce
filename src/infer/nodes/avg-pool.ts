/** @file `avgPool`: mean of each window, in f32. */
import { sizeOf } from "../../core/shape.js";
import type { PlanAvgPool } from "../../format/nodes/avg-pool.js";
import { geometryOf, type StepMaker } from "../step.js";

export const avgPool: StepMaker<PlanAvgPool> = ({ node, input, size, constants, kernels }) => {
  const geometry = geometryOf(constants, node, input.shape, input.shape[2]);
  const includePad = node.includePad ? 1 : 0;
  const { step } = input;
  if (step === null) return (batch, [x], y) => kernels.f32_avgpool(x, y, geometry(batch), includePad, 0, batch);
  const elements = sizeOf(input.shape);
  return {
    scratch: (batch) => [4 * batch * elements],
    run(batch, [x], y, [codes]) {
      // Sums of codes are exact; the step comes last, as in training.
      kernels.u8_dequantize(x, codes, batch * elements, 1);
      kernels.f32_avgpool(codes, y, geometry(batch), includePad, 0, batch);
      kernels.f32_scale_shift(y, y, batch * size, step, 0);
    },
  };
};
