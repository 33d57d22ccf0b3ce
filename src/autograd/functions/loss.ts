/** @file Losses. */
import { anything, checkOptions } from "../../core/checks.js";
import {
  CROSS_ENTROPY_OPTIONS,
  type CrossEntropyOptions,
  crossEntropy as crossEntropyOp,
  mse as mseOp,
  type Reduction,
} from "../../ops/loss.js";
import { apply, type Tensor } from "../tensor.js";
import type { Indices } from "./indexing.js";
import { withIndices } from "./indices.js";

const MSE_OPTIONS = { reduction: anything };

/**
 * Cross entropy of logits against class numbers, −Σ_c q_c·ln softmax(x)_c with q = (1 − ε)·onehot(label) + ε/C.
 * @param logits [..., C]
 * @param labels i32 [...] or a list of numbers, each in 0 … C−1 or equal to `ignoreIndex`
 * @param options `labelSmoothing` ε (default 0), `ignoreIndex` (default none), `reduction`: "mean" over examples that are not ignored (default;
 * NaN if all are), "sum" or "none"
 * @returns a scalar, or the labels' shape without reduction
 * @gradient exact
 * @throws ArgumentError on a label out of range (its index and value are named) or a bad option; ShapeError, also for a mean
 * over an empty batch; DTypeError
 */
export function crossEntropy(logits: Tensor, labels: Indices, options: CrossEntropyOptions = {}): Tensor {
  checkOptions("crossEntropy", options, CROSS_ENTROPY_OPTIONS);
  return withIndices("crossEntropy", labels, (classes) => apply(crossEntropyOp, [logits, classes], options));
}

/**
 * Squared error (prediction − target)².
 * @param options `reduction`: "mean" (default), "sum" or "none"
 * @returns a scalar, or the common shape without reduction
 * @gradient exact for both
 * @throws ShapeError unless the shapes are equal: nothing is broadcast, or for a mean over no elements; DTypeError on mixed types
 */
export function mse(prediction: Tensor, target: Tensor, options: { reduction?: Reduction } = {}): Tensor {
  checkOptions("mse", options, MSE_OPTIONS);
  return apply(mseOp, [prediction, target], options);
}
