/** @file `multiply`: product of two f32 values, such as images and a gate for each of their channels. */
import { sameShape, shapeText } from "../../../core/shape.js";
import { label, list } from "../../fields.js";
import { real } from "../../value.js";
import { expectInput, type Kind } from "../kind.js";

/** Product of two f32 values of one shape, or of images [H,W,C] and one pixel [1,1,C]. */
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
    const gate = shape.length === 3 && sameShape(other.shape, [1, 1, shape[2]]);
    if (other.dtype !== "f32" || !(gate || sameShape(shape, other.shape))) {
      const got = `${shapeText(shape)} and ${other.dtype} ${shapeText(other.shape)}`;
      typing.refuse("its inputs", "two f32 values of one shape, or images and one pixel", got);
    }
    return real(shape);
  },
};
