/** @file `maxPool`: largest of each window; codes stay codes. */
import { tapsOf, WINDOW_FIELDS } from "../window.js";
import type { Kind } from "./kind.js";
import { type PlanPool, pooled } from "./pool.js";

/** Largest of each window; codes stay codes. */
export interface PlanMaxPool extends PlanPool {
  readonly op: "maxPool";
}

export const maxPool: Kind<PlanMaxPool> = {
  fields: WINDOW_FIELDS,
  value: (node, typing) => ({ ...typing.inputs[0], shape: pooled(node, typing) }),
  reads: tapsOf,
};
