/** @file `linear`: product of codes with weight codes. */
import { expectInput, type Kind } from "./kind.js";
import { layerTensors, layerValue, type PlanQuantized, QUANTIZED_FIELDS } from "./quantized.js";

/** Product of codes with weight codes. */
export interface PlanLinear extends PlanQuantized {
  readonly op: "linear";
}

export const linear: Kind<PlanLinear> = {
  fields: QUANTIZED_FIELDS,
  value: (node, typing) => layerValue(node, typing, [node.out], expectInput(typing, "u8", 1).shape[0]),
  patch: (_, { shape }) => shape[0],
  tensors: (node, { shape }) => layerTensors(node, shape[0]),
};
