/** @file `maxPool`: largest of each window, of codes or f32. */
import type { PlanMaxPool } from "../../format/nodes/max-pool.js";
import { geometryOf, type StepMaker } from "../step.js";

export const maxPool: StepMaker<PlanMaxPool> = ({ node, input, constants, size, kernels }) => {
  const geometry = geometryOf(constants, node, input.shape, input.shape[2]);
  if (input.dtype === "u8") return (batch, [x], y) => kernels.u8_maxpool_codes(x, y, geometry(batch));
  return {
    scratch: (batch) => [4 * batch * size],
    run: (batch, [x], y, [places]) => kernels.f32_maxpool(x, y, places, geometry(batch), 0, batch),
  };
};
