/** @file Losses. */
import {
  type CrossEntropyOptions,
  crossEntropy as crossEntropyOp,
  mse as mseOp,
  type Reduction,
} from "../../ops/loss.js";
import { apply, type Tensor } from "../tensor.js";

/**
 * Cross entropy of logits against class numbers, −Σ_c q_c·ln softmax(x)_c with q = (1 − ε)·onehot(label) + ε/C.
 * @param logits [..., C]
 * @param labels i32 [...], each in 0 … C−1 or equal to `ignoreIndex`
 * @param options `labelSmoothing` ε (default 0), `ignoreIndex` (default none), `reduction`: "mean" over examples that are not ignored (default;
 * NaN if all are), "sum" or "none"
 * @returns a scalar, or the labels' shape without reduction
 * @gradient exact
 * @throws ArgumentError on a label out of range (its index and value are named) or a bad option; ShapeError, DTypeError
 */
export function crossEntropy(logits: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): Tensor {
  return apply(crossEntropyOp, [logits, labels], options);
}

/**
 * Squared error (prediction − target)².
 * @param options `reduction`: "mean" (default), "sum" or "none"
 * @returns a scalar, or the common shape without reduction
 * @gradient exact for both
 * @throws ShapeError unless the shapes are equal: nothing is broadcast; DTypeError on mixed types
 */
export function mse(prediction: Tensor, target: Tensor, options: { reduction?: Reduction } = {}): Tensor {
  return apply(mseOp, [prediction, target], options);
}
