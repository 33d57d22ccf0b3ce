/** @file `add`: sum of two f32 values of one shape. */
import { sameShape, shapeText } from "../../core/shape.js";
import { label, list } from "../fields.js";
import { real } from "../value.js";
import { expectInput, type Kind } from "./kind.js";

/** Sum of two f32 values of one shape. */
export interface PlanAdd {
  readonly op: "add";
  readonly id: string;
  readonly inputs: readonly [string, string];
}

export const add: Kind<PlanAdd> = {
  fields: { inputs: list(label, 2) },
  value(_, typing) {
    const x = expectInput(typing, "f32");
    const other = typing.inputs[1];
    if (other.dtype !== "f32" || !sameShape(x.shape, other.shape)) {
      const got = `${shapeText(x.shape)} and ${other.dtype} ${shapeText(other.shape)}`;
      typing.refuse("its inputs", "two f32 values of one shape", got);
    }
    return real(x.shape);
  },
};
