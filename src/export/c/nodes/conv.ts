/** @file `conv` in C: patches gathered, sums in integers. */
import type { PlanConv } from "../../../format/nodes/conv.js";
import type { CLowering } from "../lowering.js";
import { quantizedStep } from "../quantized.js";

export const conv: CLowering<PlanConv> = (source) => {
  const { node, input, output } = source;
  return quantizedStep(source, { window: node, image: input.shape, groups: node.groups, extents: output.shape });
};
