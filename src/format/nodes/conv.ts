/** @file `conv`: convolution of codes with weight codes. */
import { extent } from "../fields.js";
import { type PlanWindow, patchOf, WINDOW_FIELDS } from "../window.js";
import { expectGroups, expectInput, type Kind, slid } from "./kind.js";
import { layerTensors, layerValue, type PlanQuantized, QUANTIZED_FIELDS } from "./quantized.js";

/** Convolution of codes with weight codes. */
export interface PlanConv extends PlanQuantized, PlanWindow {
  readonly op: "conv";
  readonly groups: number;
}

export const conv: Kind<PlanConv> = {
  fields: { ...QUANTIZED_FIELDS, ...WINDOW_FIELDS, groups: extent },
  value(node, typing) {
    const x = expectInput(typing, "u8", 3);
    expectGroups(typing, node.groups, node.out);
    return layerValue(node, typing, slid(typing, node, node.out), patchOf(node, x));
  },
  patch: patchOf,
  tensors: (node, input) => layerTensors(node, patchOf(node, input)),
};
