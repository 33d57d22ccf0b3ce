/** @file `slice`: a part of each image or vector. */
import { sizeOf } from "../../core/shape.js";
import type { PlanSlice } from "../../format/nodes/slice.js";
import { elementBytes } from "../../format/value.js";
import type { StepMaker } from "../step.js";
import { layoutOf } from "../strided.js";

export const slice: StepMaker<PlanSlice> = ({ node, input, constants, kernels }) => {
  const copy = input.dtype === "u8" ? kernels.b8_strided_copy : kernels.b32_strided_copy;
  const own = input.shape.map((_, i) => sizeOf(input.shape.slice(i + 1)));
  const offset = node.start.reduce((sum, start, i) => sum + start * own[i], 0) * elementBytes(input);
  const strides = node.step.map((step, i) => step * own[i]);
  const layout = layoutOf(constants, [1, ...node.count], [sizeOf(input.shape), ...strides]);
  const rank = node.count.length + 1;
  return (batch, [x], y) => copy(x + offset, y, rank, layout(batch));
};
