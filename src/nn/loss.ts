/** @file Losses as objects that hold their options. */
import { binaryCrossEntropy, crossEntropy, huberLoss, l1Loss, mse } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import type { CrossEntropyOptions } from "../ops/loss.js";
import type { BinaryCrossEntropyOptions, HuberOptions, LossOptions } from "../ops/pointwise-loss.js";

/** Cross-entropy with options set once; see `crossEntropy`. */
export class CrossEntropyLoss {
  /** What was chosen when it was made. */
  readonly options: CrossEntropyOptions;
  constructor(options: CrossEntropyOptions = {}) {
    this.options = options;
  }
  /** The loss. @param logits [..., classes] @param labels i32 [...] */
  forward(logits: Tensor, labels: Tensor): Tensor {
    return crossEntropy(logits, labels, this.options);
  }
}

/** Squared error with options set once; see `mse`. */
export class MSELoss {
  /** What was chosen when it was made. */
  readonly options: LossOptions;
  constructor(options: LossOptions = {}) {
    this.options = options;
  }
  /** Both of one shape. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return mse(prediction, target, this.options);
  }
}

/** Absolute error with options set once; see `l1Loss`. */
export class L1Loss {
  /** What was chosen when it was made. */
  readonly options: LossOptions;
  constructor(options: LossOptions = {}) {
    this.options = options;
  }
  /** Both of one shape. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return l1Loss(prediction, target, this.options);
  }
}

/** Huber's loss with options set once; see `huberLoss`. */
export class HuberLoss {
  /** What was chosen when it was made. */
  readonly options: HuberOptions;
  constructor(options: HuberOptions = {}) {
    this.options = options;
  }
  /** Both of one shape. */
  forward(prediction: Tensor, target: Tensor): Tensor {
    return huberLoss(prediction, target, this.options);
  }
}

/** Binary cross entropy of logits with options set once; see `binaryCrossEntropy`. */
export class BinaryCrossEntropyLoss {
  /** What was chosen when it was made. */
  readonly options: BinaryCrossEntropyOptions;
  constructor(options: BinaryCrossEntropyOptions = {}) {
    this.options = options;
  }
  /** Both of one shape. */
  forward(logits: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(logits, target, this.options);
  }
}
