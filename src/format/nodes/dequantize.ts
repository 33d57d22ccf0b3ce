/** @file `dequantize`: codes → f32(step·code). */
import { real } from "../value.js";
import { expectInput, type Kind } from "./kind.js";

/** Codes → f32(step·code). */
export interface PlanDequantize {
  readonly op: "dequantize";
  readonly id: string;
  readonly input: string;
}

export const dequantize: Kind<PlanDequantize> = {
  fields: {},
  value: (_, typing) => real(expectInput(typing, "u8").shape),
};
