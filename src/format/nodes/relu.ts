/** @file `relu`: max(x, 0), in f32. */
import { type Kind, sameReal } from "./kind.js";

/** max(x, 0). */
export interface PlanRelu {
  readonly op: "relu";
  readonly id: string;
  readonly input: string;
}

export const relu: Kind<PlanRelu> = {
  fields: {},
  value: sameReal,
};
