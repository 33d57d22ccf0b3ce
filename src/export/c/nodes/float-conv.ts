/** @file `floatConv` in C: patches gathered, products in float, summed as in the runtime. */
import type { PlanFloatConv } from "../../../format/nodes/float-conv.js";
import { floatStep } from "../float-layer.js";
import type { CLowering } from "../lowering.js";

export const floatConv: CLowering<PlanFloatConv> = (source) => {
  const { node, input, output } = source;
  return floatStep(source, { window: node, image: input.shape, groups: node.groups ?? 1, extents: output.shape });
};
