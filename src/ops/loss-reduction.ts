/** @file How the losses of single examples become one number. */
import { describe, oneOf } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";

/** How losses of single examples become one number. */
export type Reduction = "mean" | "sum" | "none";

const REDUCTION = oneOf("mean", "sum", "none");

/** @throws ArgumentError on an unknown reduction; ShapeError on a mean over no examples */
export function checkReduction(op: string, reduction: Reduction, shape: Shape, examples: number): void {
  if (REDUCTION(reduction) !== null) {
    const got = typeof reduction === "string" ? reduction : describe(reduction);
    throw new ArgumentError({ op, what: "unknown reduction", expected: "mean, sum or none", got });
  }
  if (reduction === "mean" && examples === 0) {
    throw new ShapeError({
      op,
      what: "mean over no examples",
      expected: "at least one",
      got: shapeText(shape),
      hint: 'reduction "sum" gives 0',
    });
  }
}
