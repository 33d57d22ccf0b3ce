/** @file `flatten`: elements as they lie, as a vector or under another shape. */
import { shapeText, sizeOf } from "../../core/shape.js";
import { extent, list, optional } from "../fields.js";
import type { Kind } from "./kind.js";

/** Elements as they lie, [H,W,C] → [H·W·C], or under another shape. */
export interface PlanFlatten {
  readonly op: "flatten";
  readonly id: string;
  readonly input: string;
  /** Default: one axis. */
  readonly shape?: readonly number[];
}

export const flatten: Kind<PlanFlatten> = {
  fields: { shape: optional(list(extent, 1, 3)) },
  value({ shape }, { inputs: [x], refuse }) {
    const size = sizeOf(x.shape);
    if (shape !== undefined && sizeOf(shape) !== size) {
      refuse("shape", `one of ${size} elements, as ${shapeText(x.shape)}`, shapeText(shape));
    }
    return { ...x, shape: shape ?? [size] };
  },
};
