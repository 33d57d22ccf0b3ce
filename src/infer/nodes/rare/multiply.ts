/** @file `multiply`: products of two values, image by image where one of them is a pixel for all. */
import type { PlanMultiply } from "../../../format/nodes/rare/multiply.js";
import type { Ptr } from "../../../kernels/abi.js";
import type { StepMaker } from "../../step.js";

export const multiply: StepMaker<PlanMultiply> = ({ inputs, size, kernels }) => {
  const width = inputs[1].shape.reduce((product, extent) => product * extent, 1);
  return (batch, [a, b], y) => {
    const [images, each] = width === size ? [1, batch * size] : [batch, size];
    const other = width === size ? each : width;
    for (let n = 0; n < images; n++) {
      const at = (from: Ptr, count: number): Ptr => (from + 4 * n * count) as Ptr;
      kernels.f32_mul(at(a, each), at(b, other), at(y, each), each, each, other);
    }
  };
};
