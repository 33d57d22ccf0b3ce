/** @file `flatten`: [H,W,C] → [H·W·C], elements as they lie. */
import { sizeOf } from "../../core/shape.js";
import type { Kind } from "./kind.js";

/** [H,W,C] → [H·W·C]. */
export interface PlanFlatten {
  readonly op: "flatten";
  readonly id: string;
  readonly input: string;
}

export const flatten: Kind<PlanFlatten> = {
  fields: {},
  value: (_, { inputs: [x] }) => ({ ...x, shape: [sizeOf(x.shape)] }),
};
