/** @file Losses. */
import { anything, checkOptions } from "../../core/checks.js";
import {
  CROSS_ENTROPY_OPTIONS,
  type CrossEntropyOptions,
  crossEntropy as crossEntropyOp,
  mse as mseOp,
} from "../../ops/loss.js";
import type { Reduction } from "../../ops/loss-reduction.js";
import {
  BINARY_CROSS_ENTROPY_OPTIONS,
  type BinaryCrossEntropyOptions,
  binaryCrossEntropy as binaryCrossEntropyOp,
  HUBER_OPTIONS,
  type HuberOptions,
  huberLoss as huberLossOp,
  LOSS_OPTIONS,
  type LossOptions,
  l1Loss as l1LossOp,
} from "../../ops/pointwise-loss.js";
import { apply, type Tensor } from "../tensor.js";
import type { Indices } from "./indexing.js";
import { withIndices } from "./indices.js";

const MSE_OPTIONS = { reduction: anything };

/**
 * Cross entropy of logits against class numbers, −Σ_c w_c·q_c·ln softmax(x)_c with q = (1 − ε)·onehot(label) + ε/C.
 * @param logits [..., C]
 * @param labels i32 [...] or a list of numbers, each in 0 … C−1 or equal to `ignoreIndex`
 * @param options `labelSmoothing` ε (default 0), `classWeights` w (default all 1), `ignoreIndex` (default none),
 * `reduction`: "mean" over examples that are not ignored (default; NaN if all are), which with `classWeights` divides
 * by the sum of the labels' weights, "sum" or "none"
 * @returns a scalar, or the labels' shape without reduction
 * @gradient exact
 * @throws ArgumentError on a label out of range (its index and value are named) or a bad option; ShapeError, also for a
 * mean over an empty batch; DTypeError
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
 * @throws ShapeError unless the shapes are equal: nothing is broadcast, or for a mean over no elements; DTypeError on
 * mixed types
 */
export function mse(prediction: Tensor, target: Tensor, options: { reduction?: Reduction } = {}): Tensor {
  checkOptions("mse", options, MSE_OPTIONS);
  return apply(mseOp, [prediction, target], options);
}

/**
 * Absolute error |prediction − target|.
 * @param options `reduction`: "mean" (default), "sum" or "none"
 * @returns a scalar, or the common shape without reduction
 * @gradient exact for both, 0 where they are equal
 * @throws ShapeError unless the shapes are equal, or for a mean over no elements; DTypeError on mixed types
 */
export function l1Loss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions("l1Loss", options, LOSS_OPTIONS);
  return apply(l1LossOp, [prediction, target], options);
}

/**
 * Huber's loss of d = prediction − target: ½d² for |d| ≤ δ, else δ(|d| − ½δ).
 * @param options `delta` δ > 0 (default 1), `reduction`: "mean" (default), "sum" or "none"
 * @returns a scalar, or the common shape without reduction
 * @gradient exact for both
 * @throws ArgumentError on a δ that is not above 0; ShapeError unless the shapes are equal, or for a mean over no
 * elements; DTypeError on mixed types
 */
export function huberLoss(prediction: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  checkOptions("huberLoss", options, HUBER_OPTIONS);
  return apply(huberLossOp, [prediction, target], options);
}

/**
 * Binary cross entropy of logits, for outputs that are each true or false: −p·t·ln s(x) − (1 − t)·ln(1 − s(x)), s(x) =
 * 1/(1 + e^−x); no logit overflows it.
 * @param logits any shape
 * @param target the same shape, 1 for true and 0 for false, or shares between them
 * @param options `positiveWeight` p > 0 (default 1), `reduction`: "mean" over all elements (default), "sum" or "none"
 * @returns a scalar, or the common shape without reduction
 * @gradient exact for both
 * @throws ArgumentError on a weight that is not above 0; ShapeError unless the shapes are equal, or for a mean over no
 * elements; DTypeError on mixed types
 */
export function binaryCrossEntropy(logits: Tensor, target: Tensor, options: BinaryCrossEntropyOptions = {}): Tensor {
  checkOptions("binaryCrossEntropy", options, BINARY_CROSS_ENTROPY_OPTIONS);
  return apply(binaryCrossEntropyOp, [logits, target], options);
}
