/** @file `floatLinear`: products of rows in f32, then the bias, as in training. */
import { floatWeights } from "../../format/nodes/float-layer.js";
import type { PlanFloatLinear } from "../../format/nodes/float-linear.js";
import type { StepMaker } from "../step.js";

export const floatLinear: StepMaker<PlanFloatLinear> = ({ node, input, data, constants, kernels }) => {
  const { out } = node;
  const [size] = input.shape;
  const weight = constants.f32(floatWeights(data, out, 1));
  const bias = data.bias === undefined ? null : constants.f32(data.bias);
  return {
    scratch: (batch) => [kernels.f32_gemm_work(batch, out, size)],
    run(batch, [x], y, [work]) {
      kernels.f32_gemm(x, weight(), y, batch, out, size, 0, 1, 0, 0, batch, 0, out, work);
      if (bias !== null) kernels.f32_add(y, bias(), y, batch * out, batch * out, out);
    },
  };
};
