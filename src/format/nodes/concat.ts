/** @file `concat`: values joined along the last axis: f32 values, or codes of one step, which stay codes. */
import { sameShape, shapeText } from "../../core/shape.js";
import { label, list, MAX_NODES } from "../fields.js";
import type { Kind } from "./kind.js";

/** Values joined along the last axis: f32 values, or codes of one step, which stay codes. */
export interface PlanConcat {
  readonly op: "concat";
  readonly id: string;
  readonly inputs: readonly string[];
}

export const concat: Kind<PlanConcat> = {
  fields: { inputs: list(label, 1, MAX_NODES) },
  value(_, { inputs, refuse }) {
    const [first] = inputs;
    const head = first.shape.slice(0, -1);
    const fits = inputs.every(
      ({ dtype, step, shape }) => dtype === first.dtype && step === first.step && sameShape(shape.slice(0, -1), head),
    );
    if (!fits) {
      const got = inputs.map(
        ({ dtype, step, shape }) => `${dtype} ${shapeText(shape)}${step === null ? "" : ` of step ${step}`}`,
      );
      refuse("its inputs", "values alike but for the last extent, codes of one step", got.join(" and "));
    }
    const width = inputs.reduce((sum, { shape }) => sum + shape[shape.length - 1], 0);
    return { ...first, shape: [...head, width], top: Math.max(...inputs.map(({ top }) => top)) };
  },
};
