/** @file Losses against soft targets. */
import { checkOptions } from "../../core/checks.js";
import {
  SOFT_CROSS_ENTROPY_OPTIONS,
  type SoftCrossEntropyOptions,
  softCrossEntropy as softCrossEntropyOp,
} from "../../ops/soft-loss.js";
import { apply, type Tensor } from "../tensor.js";

/**
 * Cross entropy of logits against shares of classes, −Σ_c q_c·ln softmax(x)_c: of blended images, smoothed labels, or
 * another network's probabilities. With one-hot rows q it is `crossEntropy`.
 * @param logits [..., C]
 * @param targets q, the same shape; rows that sum to 1 are shares, others are taken as they are
 * @param options `reduction`: "mean" over examples (default), "sum" or "none"
 * @returns a scalar, or the shape without the last axis without reduction
 * @gradient exact for both
 * @throws ShapeError unless the shapes are equal with at least one class, or for a mean over no examples; DTypeError on
 * mixed types; ArgumentError on an unknown reduction
 */
export function softCrossEntropy(logits: Tensor, targets: Tensor, options: SoftCrossEntropyOptions = {}): Tensor {
  checkOptions("softCrossEntropy", options, SOFT_CROSS_ENTROPY_OPTIONS);
  return apply(softCrossEntropyOp, [logits, targets], options);
}
