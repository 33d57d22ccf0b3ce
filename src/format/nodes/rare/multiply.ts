/** @file `multiply`: product of two f32 values, as gates need it (squeeze and excite). */
import { shapeText } from "../../../core/shape.js";
import { label, list } from "../../fields.js";
import { real } from "../../value.js";
import { expectInput, type Kind } from "../kind.js";

/** Product of two f32 values with equally many axes, of one extent or 1. */
export interface PlanMultiply {
  readonly op: "multiply";
  readonly id: string;
  readonly inputs: readonly [string, string];
}

export const multiply: Kind<PlanMultiply> = {
  fields: { inputs: list(label, 2) },
  value(_, typing) {
    const { shape } = expectInput(typing, "f32");
    const other = typing.inputs[1];
    const fits =
      other.shape.length === shape.length &&
      shape.every((n, i) => n === other.shape[i] || n === 1 || other.shape[i] === 1);
    if (other.dtype !== "f32" || !fits) {
      const got = `${shapeText(shape)} and ${other.dtype} ${shapeText(other.shape)}`;
      typing.refuse("its inputs", "two f32 values of one shape, or with axes of extent 1", got);
    }
    return real(shape.map((n, i) => Math.max(n, other.shape[i])));
  },
};
