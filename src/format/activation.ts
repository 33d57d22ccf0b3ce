/** @file The staircase of a node: codes 0 … 2^bits − 1 that stand for step·code (BCGD §3). */
import { staircaseTop } from "../codes/levels.js";
import type { Rounding } from "../codes/staircase.js";
import { bits, oneOf, record, step } from "./fields.js";
import type { ValueType } from "./value.js";

/** A staircase. */
export interface PlanActivation {
  readonly bits: number;
  /** α, an f32 number. */
  readonly step: number;
  /** `ceil` is the paper's staircase; `nearest` rounds half to even. */
  readonly rounding: Rounding;
}

/** Its check. */
export const activationField = record({ bits, step, rounding: oneOf("ceil", "nearest") });

/** The codes that it gives. */
export function coded(shape: readonly number[], { bits, step }: PlanActivation): ValueType {
  return { shape, dtype: "u8", step, top: staircaseTop(bits) };
}
