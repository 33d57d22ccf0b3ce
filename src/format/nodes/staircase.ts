/** @file `staircase`: a staircase on f32 values, where nothing folds into thresholds. */
import { activationField, coded, type PlanActivation } from "../activation.js";
import { expectInput, type Kind } from "./kind.js";

/** A real staircase on f32 values. */
export interface PlanStaircase {
  readonly op: "staircase";
  readonly id: string;
  readonly input: string;
  readonly activation: PlanActivation;
}

export const staircase: Kind<PlanStaircase> = {
  fields: { activation: activationField },
  value: ({ activation }, typing) => coded(expectInput(typing, "f32").shape, activation),
};
