/** @file The loss of blended images. */
import { softCrossEntropy } from "../autograd/functions.js";
import { Tensor } from "../autograd/tensor.js";
import { NDArray } from "../ndarray/ndarray.js";
import { type MixedBatch, mixedTargets } from "./mixup.js";

/** Cross entropy of logits [N, classes] against the targets of a mixed batch, its mean. */
export function mixedLoss(logits: Tensor, labels: ArrayLike<number>, mixed: MixedBatch, smoothing: number): Tensor {
  const targets = mixedTargets(labels, mixed, logits.shape[logits.rank - 1], smoothing);
  return softCrossEntropy(logits, new Tensor(NDArray.from(targets, logits.shape, "f32")));
}
