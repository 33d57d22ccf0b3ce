/** @file `floatLinear`: linear layer in f32. */
import { real } from "../value.js";
import { FLOAT_FIELDS, layerTensors, type PlanFloatLayer } from "./float-layer.js";
import { expectInput, type Kind } from "./kind.js";

/** Linear layer in f32. */
export interface PlanFloatLinear extends PlanFloatLayer {
  readonly op: "floatLinear";
}

export const floatLinear: Kind<PlanFloatLinear> = {
  fields: FLOAT_FIELDS,
  value(node, typing) {
    expectInput(typing, "f32", 1);
    return real([node.out]);
  },
  patch: (_, { shape }) => shape[0],
  tensors: (node, { shape }) => layerTensors(node, [node.out, shape[0]]),
};
