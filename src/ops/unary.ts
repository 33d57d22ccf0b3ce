/** @file Elementwise functions of one real operand. */

import { reluBackward } from "../ndarray/activation.js";
import { floatTypeOf } from "../ndarray/convert.js";
import * as nd from "../ndarray/elementwise.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { OpDef } from "./op.js";

/** Shape rule of one real operand that keeps its shape. */
function sameShapeRule(name: string): OpDef["shape"] {
  return ([x]) => {
    floatTypeOf(name, x);
    return x.shape;
  };
}

/** A function whose gradient is found from its input (`x`), from its result (`y`), or from neither. */
function pointwise<Keep extends "x" | "y" | "none">(
  name: string,
  kernel: nd.UnaryKernel,
  keep: Keep,
  gradient: (dy: NDArray, kept: Keep extends "none" ? null : NDArray) => NDArray,
): OpDef<undefined, NDArray | null> {
  return {
    name,
    shape: sameShapeRule(name),
    forward: ([x]) => {
      const y = nd.unary(kernel, x);
      return { y, saved: keep === "x" ? x : keep === "y" ? y : null };
    },
    backward: (dy, kept) => [gradient(dy, kept as Keep extends "none" ? null : NDArray)],
  };
}

const zerosLike = (dy: NDArray): NDArray => NDArray.zeros(dy.shape, dy.dtype);

/** −x. */
export const neg = pointwise("neg", "f32_neg", "none", (dy) => nd.unary("f32_neg", dy));
/** |x|; derivative sign(x), 0 at 0: no gradient passes there, however large. */
export const abs = pointwise("abs", "f32_abs", "x", (dy, x) =>
  nd.maskScale(nd.mul(dy, nd.unary("f32_sign", x)), nd.compare("f32_ne", x, nd.scalarLike(x, 0))),
);
/** e^x. */
export const exp = pointwise("exp", "f32_exp", "y", (dy, y) => nd.mul(dy, y));
/** Natural logarithm. */
export const log = pointwise("log", "f32_log", "x", (dy, x) => nd.div(dy, x));
/** √x; derivative 1/(2√x). */
export const sqrt = pointwise("sqrt", "f32_sqrt", "y", (dy, y) => nd.div(nd.scaleShift(dy, 0.5), y));
/** tanh x; derivative 1 − y². */
export const tanh = pointwise("tanh", "f32_tanh", "y", (dy, y) => nd.mul(dy, nd.scaleShift(nd.mul(y, y), -1, 1)));
/** 1/(1 + e^−x); derivative y·(1 − y). */
export const sigmoid = pointwise("sigmoid", "f32_sigmoid", "y", (dy, y) =>
  nd.mul(dy, nd.mul(y, nd.scaleShift(y, -1, 1))),
);
/** −1, 0 or 1; derivative 0. */
export const sign = pointwise("sign", "f32_sign", "none", zerosLike);
/** Largest integer ≤ x; derivative 0. */
export const floor = pointwise("floor", "f32_floor", "none", zerosLike);
/** Smallest integer ≥ x; derivative 0. */
export const ceil = pointwise("ceil", "f32_ceil", "none", zerosLike);
/** Nearest integer, half to even; derivative 0. */
export const round = pointwise("round", "f32_round", "none", zerosLike);

/**
 * max(x, 0); derivative 1 for x > 0, else 0 (0 at 0). The result serves as the saved state: y > 0 exactly where x > 0.
 */
export const relu = pointwise("relu", "f32_relu", "y", (dy, y) => reluBackward(y, dy));
