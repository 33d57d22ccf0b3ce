/** @file `avgPool`: mean of each window, in f32. */
import { boolean } from "../fields.js";
import { real } from "../value.js";
import { tapsOf, WINDOW_FIELDS } from "../window.js";
import type { Kind } from "./kind.js";
import { type PlanPool, pooled } from "./pool.js";

/** Mean of each window, in f32; of codes, f32(step·f32(Σ codes/count)). */
export interface PlanAvgPool extends PlanPool {
  readonly op: "avgPool";
  /** Divide by the window's size even where it reaches past the edge. */
  readonly includePad: boolean;
}

export const avgPool: Kind<PlanAvgPool> = {
  fields: { ...WINDOW_FIELDS, includePad: boolean },
  value: (node, typing) => real(pooled(node, typing)),
  reads: tapsOf,
};
