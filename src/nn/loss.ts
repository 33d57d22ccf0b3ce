/** @file Losses as objects that hold their options. */
import { crossEntropy, mse } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import type { CrossEntropyOptions, Reduction } from "../ops/loss.js";

/** Cross-entropy with options set once; see `crossEntropy`. */
export class CrossEntropyLoss {
  readonly options: CrossEntropyOptions;
  constructor(options: CrossEntropyOptions = {}) {
    this.options = options;
  }
  /** @param logits [..., classes] @param labels i32 [...] */
  forward(logits: Tensor, labels: Tensor): Tensor {
    return crossEntropy(logits, labels, this.options);
  }
}

/** Squared error with options set once; see `mse`. */
export class MSELoss {
  readonly options: { reduction?: Reduction };
  constructor(options: { reduction?: Reduction } = {}) {
    this.options = options;
  }
  /** Both of one shape. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return mse(prediction, target, this.options);
  }
}
