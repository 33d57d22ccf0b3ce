/** @file Two arrays [..., C] of logits or shares of classes, compared row by row. */
import { ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { checkPair } from "./pointwise-loss.js";

/** The common shape. @throws ShapeError unless the shapes are equal and have at least one class; DTypeError */
export function checkClassPair(op: string, own: NDArray, other: NDArray): Shape {
  const shape = checkPair(op, own, other);
  if (shape.length === 0 || shape[shape.length - 1] === 0) {
    const expected = "[..., C] with C ≥ 1";
    throw new ShapeError({ op, what: "no axis of classes", expected, got: shapeText(shape) });
  }
  return shape;
}
