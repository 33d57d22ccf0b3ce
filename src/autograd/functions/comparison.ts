/** @file Comparison and selection. Any types compare; integers exactly. */
import * as comparing from "../../ops/compare.js";
import { composed } from "../composed.js";
import { apply, applyPair, asTensors, type Tensor, type TensorLike } from "../tensor.js";

/** a = b as bool, in the broadcast shape. @gradient none @throws ShapeError if the shapes do not broadcast */
export function equal(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(comparing.equal, a, b);
}

/**
 * a ≠ b as bool, in the broadcast shape; true for NaN.
 * @gradient none
 * @throws ShapeError if the shapes do not broadcast
 */
export function notEqual(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(comparing.notEqual, a, b);
}

/** a < b as bool, in the broadcast shape. @gradient none @throws ShapeError if the shapes do not broadcast */
export function less(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(comparing.less, a, b);
}

/** a ≤ b as bool, in the broadcast shape. @gradient none @throws ShapeError if the shapes do not broadcast */
export function lessEqual(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(comparing.lessEqual, a, b);
}

/** a > b as bool, in the broadcast shape. @gradient none @throws ShapeError if the shapes do not broadcast */
export function greater(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(comparing.greater, a, b);
}

/** a ≥ b as bool, in the broadcast shape. @gradient none @throws ShapeError if the shapes do not broadcast */
export function greaterEqual(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(comparing.greaterEqual, a, b);
}

/**
 * Selection cond ? a : b.
 * @param cond bool, of a shape that broadcasts with a and b
 * @returns the broadcast shape
 * @gradient exact for a and b: the side that is not taken gets +0, whatever dy is. What that side's own operations make
 * of a gradient of 0 is theirs: `where(x.greater(0), x.sqrt(), 0)` has 0/0 at x = 0; `where(x.greater(0), x, 0).sqrt()`
 * has 0
 * @throws DTypeError unless cond is bool and a and b are real of one type; ShapeError if the shapes do not broadcast
 */
export function where(cond: Tensor, a: TensorLike, b: TensorLike): Tensor {
  if (typeof a !== "number" && typeof b !== "number") return apply(comparing.where, [cond, a, b], undefined);
  return composed(() => apply(comparing.where, [cond, ...asTensors("where", a, b)], undefined));
}
