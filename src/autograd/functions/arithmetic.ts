/** @file Elementwise arithmetic. Operands broadcast as in NumPy; a number takes the other operand's type. */
import * as comparing from "../../ops/compare.js";
import * as arithmetic from "../../ops/elementwise.js";
import * as functions from "../../ops/unary.js";
import { apply, applyPair, type Tensor, type TensorLike } from "../tensor.js";

/**
 * Sum a + b.
 * @returns the broadcast shape
 * @gradient exact
 * @throws ShapeError if the shapes do not broadcast; DTypeError unless both are f32 or both f64
 */
export function add(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(arithmetic.add, a, b);
}

/**
 * Difference a − b.
 * @returns the broadcast shape
 * @gradient exact
 * @throws ShapeError if the shapes do not broadcast; DTypeError unless both are f32 or both f64
 */
export function sub(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(arithmetic.sub, a, b);
}

/**
 * Elementwise product a·b.
 * @returns the broadcast shape
 * @gradient exact
 * @throws ShapeError if the shapes do not broadcast; DTypeError unless both are f32 or both f64
 */
export function mul(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(arithmetic.mul, a, b);
}

/**
 * Quotient a / b.
 * @returns the broadcast shape
 * @gradient exact
 * @throws ShapeError if the shapes do not broadcast; DTypeError unless both are f32 or both f64
 */
export function div(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(arithmetic.div, a, b);
}

/**
 * Power a^b with real exponents; x^0 = 1, NaN for a negative base with a fraction as exponent.
 * @returns the broadcast shape
 * @gradient exact: da = dy·b·a^(b−1) (0 where b = 0), db = dy·a^b·ln a (0 where a = 0 and b ≥ 0)
 * @throws ShapeError if the shapes do not broadcast; DTypeError unless both are f32 or both f64
 */
export function pow(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(arithmetic.pow, a, b);
}

/**
 * Larger of two, max(a, b); NaN if either is NaN.
 * @returns the broadcast shape
 * @gradient exact; where a = b all of it goes to a
 * @throws ShapeError if the shapes do not broadcast; DTypeError unless both are f32 or both f64
 */
export function maximum(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(arithmetic.maximum, a, b);
}

/**
 * Smaller of two, min(a, b); NaN if either is NaN.
 * @returns the broadcast shape
 * @gradient exact; where a = b all of it goes to a
 * @throws ShapeError if the shapes do not broadcast; DTypeError unless both are f32 or both f64
 */
export function minimum(a: TensorLike, b: TensorLike): Tensor {
  return applyPair(arithmetic.minimum, a, b);
}

/** Negation −x. @gradient exact @throws DTypeError unless x is real */
export function neg(x: Tensor): Tensor {
  return apply(functions.neg, [x], undefined);
}

/** Magnitude |x|. @gradient exact: sign(x), 0 at 0 @throws DTypeError unless x is real */
export function abs(x: Tensor): Tensor {
  return apply(functions.abs, [x], undefined);
}

/** Exponential e^x. @gradient exact @throws DTypeError unless x is real */
export function exp(x: Tensor): Tensor {
  return apply(functions.exp, [x], undefined);
}

/** Natural logarithm; −∞ at 0, NaN below. @gradient exact @throws DTypeError unless x is real */
export function log(x: Tensor): Tensor {
  return apply(functions.log, [x], undefined);
}

/** Square root; NaN below 0. @gradient exact, ∞ at 0 @throws DTypeError unless x is real */
export function sqrt(x: Tensor): Tensor {
  return apply(functions.sqrt, [x], undefined);
}

/** Hyperbolic tangent. @gradient exact @throws DTypeError unless x is real */
export function tanh(x: Tensor): Tensor {
  return apply(functions.tanh, [x], undefined);
}

/** Logistic function 1/(1 + e^−x). @gradient exact @throws DTypeError unless x is real */
export function sigmoid(x: Tensor): Tensor {
  return apply(functions.sigmoid, [x], undefined);
}

/** Rectifier max(x, 0). @gradient exact, 0 at 0 @throws DTypeError unless x is real */
export function relu(x: Tensor): Tensor {
  return apply(functions.relu, [x], undefined);
}

/** Sign: −1, 0 or 1. @gradient exact (0 wherever it exists) @throws DTypeError unless x is real */
export function sign(x: Tensor): Tensor {
  return apply(functions.sign, [x], undefined);
}

/** Largest integer not above x. @gradient exact (0 wherever it exists) @throws DTypeError unless x is real */
export function floor(x: Tensor): Tensor {
  return apply(functions.floor, [x], undefined);
}

/** Smallest integer not below x. @gradient exact (0 wherever it exists) @throws DTypeError unless x is real */
export function ceil(x: Tensor): Tensor {
  return apply(functions.ceil, [x], undefined);
}

/** Nearest integer, half to even. @gradient exact (0 wherever it exists) @throws DTypeError unless x is real */
export function round(x: Tensor): Tensor {
  return apply(functions.round, [x], undefined);
}

/**
 * Clamp min(max(x, lo), hi); NaN passes through.
 * @gradient exact: 1 for lo ≤ x ≤ hi, else 0
 * @throws DTypeError unless x is real
 */
export function clip(x: Tensor, lo: number, hi: number): Tensor {
  return apply(comparing.clip, [x], { lo, hi });
}
