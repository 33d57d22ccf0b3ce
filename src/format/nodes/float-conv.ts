/** @file `floatConv`: convolution in f32. */
import { extent, optional } from "../fields.js";
import { real } from "../value.js";
import { type PlanWindow, patchOf, WINDOW_FIELDS } from "../window.js";
import { FLOAT_FIELDS, layerTensors, type PlanFloatLayer } from "./float-layer.js";
import { expectGroups, expectInput, type Kind, slid } from "./kind.js";

/** Convolution in f32. */
export interface PlanFloatConv extends PlanFloatLayer, PlanWindow {
  readonly op: "floatConv";
  /** Default 1: all channels with all. */
  readonly groups?: number;
}

export const floatConv: Kind<PlanFloatConv> = {
  fields: { ...FLOAT_FIELDS, ...WINDOW_FIELDS, groups: optional(extent) },
  value(node, typing) {
    expectInput(typing, "f32", 3);
    expectGroups(typing, node.groups ?? 1, node.out);
    return real(slid(typing, node, node.out));
  },
  patch: patchOf,
  tensors: (node, { shape }) => layerTensors(node, [node.out, shape[2] / (node.groups ?? 1), ...node.kernel]),
};
