/** @file Reductions, and functions along an axis. */
import { anything, checkOptions, flag, real } from "../../core/checks.js";
import { ArgumentError } from "../../core/errors.js";
import { normalizeAxes } from "../../core/shape.js";
import * as reducing from "../../ops/reduce.js";
import { logSoftmax as logSoftmaxOp, softmax as softmaxOp } from "../../ops/softmax.js";
import { composed } from "../composed.js";
import { expectTensor } from "../graph.js";
import { type Axes, apply, type Tensor } from "../tensor.js";

/**
 * Sum over axes.
 * @param axis default all
 * @returns the shape without those axes, or with 1 there if keepDims
 * @gradient exact
 * @throws ShapeError on a bad axis
 */
export function sum(x: Tensor, axis?: Axes, keepDims = false): Tensor {
  return apply(reducing.sum, [x], { axis, keepDims });
}

/**
 * Mean over axes.
 * @param axis default all
 * @returns the shape without those axes, or with 1 there if keepDims
 * @gradient exact
 * @throws ShapeError on a bad axis or no elements
 */
export function mean(x: Tensor, axis?: Axes, keepDims = false): Tensor {
  return apply(reducing.mean, [x], { axis, keepDims });
}

/**
 * Largest over axes; NaN if there is one.
 * @param axis default all
 * @gradient exact, all of it to the first largest
 * @throws ShapeError on a bad axis or no elements
 */
export function max(x: Tensor, axis?: Axes, keepDims = false): Tensor {
  return apply(reducing.max, [x], { axis, keepDims });
}

/**
 * Smallest over axes; NaN if there is one.
 * @param axis default all
 * @gradient exact, all of it to the first smallest
 * @throws ShapeError on a bad axis or no elements
 */
export function min(x: Tensor, axis?: Axes, keepDims = false): Tensor {
  return apply(reducing.min, [x], { axis, keepDims });
}

/**
 * Index (i32) of the first largest, within the reduced axes taken together.
 * @param axis default all
 * @gradient none
 * @throws ShapeError on a bad axis or no elements
 */
export function argmax(x: Tensor, axis?: Axes, keepDims = false): Tensor {
  return apply(reducing.argmax, [x], { axis, keepDims });
}

/**
 * Index (i32) of the first smallest, within the reduced axes taken together.
 * @param axis default all
 * @gradient none
 * @throws ShapeError on a bad axis or no elements
 */
export function argmin(x: Tensor, axis?: Axes, keepDims = false): Tensor {
  return apply(reducing.argmin, [x], { axis, keepDims });
}

/**
 * Variance over axes, Σ (x − mean)² / (n − correction).
 *
 * @param options `axis` default all; `correction` 1 (default) is the unbiased estimate, 0 the biased one; `keepDims`
 * default false
 * @gradient exact
 * @throws ShapeError on a bad axis; ArgumentError if n ≤ correction
 */
export function variance(x: Tensor, options: { axis?: Axes; correction?: number; keepDims?: boolean } = {}): Tensor {
  expectTensor("variance", x);
  checkOptions("variance", options, { axis: anything, correction: real, keepDims: flag });
  const { axis, correction = 1, keepDims = false } = options;
  const count = normalizeAxes("variance", axis, x.rank).reduce((n, i) => n * x.shape[i], 1);
  if (!(count > correction)) {
    throw new ArgumentError({
      op: "variance",
      what: "too few elements",
      expected: `more than ${correction}`,
      got: `${count}`,
    });
  }
  return composed(() => {
    const centred = x.sub(x.mean(axis, true));
    return centred
      .mul(centred)
      .sum(axis, keepDims)
      .div(count - correction);
  });
}

/**
 * Softmax e^x / Σ e^x.
 * @param axis default −1
 * @returns the shape of x; sums to 1 along the axis
 * @gradient exact
 * @throws ShapeError on a bad axis
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  return apply(softmaxOp, [x], { axis });
}

/**
 * Logarithm of the softmax, x − ln Σ e^x, without overflow.
 * @param axis default −1
 * @returns the shape of x
 * @gradient exact
 * @throws ShapeError on a bad axis
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return apply(logSoftmaxOp, [x], { axis });
}
