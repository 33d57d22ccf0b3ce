/** @file Activations as modules, so that they have a place in the structure that `prepare()` can replace. */
import { batchNormRelu, clip, relu, sigmoid, softmax, tanh } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, integer } from "../core/checks.js";
import type { BatchNorm } from "./batch-norm.js";
import { Module } from "./module.js";
import { JoiningActivation } from "./norm-activation.js";

/** y = max(x, 0). @gradient exact (0 at x = 0) */
export class ReLU extends JoiningActivation {
  override forward(x: Tensor): Tensor {
    return relu(x);
  }
  /**
   * The `forward` whose place a staircase may take. A subclass that saturates, as staircases do, gives its own; others
   * stay as they are in `prepare`.
   */
  get replaceable(): (x: Tensor) => Tensor {
    return ReLU.prototype.forward;
  }
  override get joinedForward(): (x: Tensor) => Tensor {
    return ReLU.prototype.forward;
  }
  override forwardNormalized(x: Tensor, norm: BatchNorm, shortcut: Tensor | null): Tensor {
    return norm.normalizeBatch(x, (options) => batchNormRelu(x, norm.weight, norm.bias, { ...options, shortcut }));
  }
}

/**
 * y = min(max(x, 0), top). A ReLU for `prepare`: a staircase saturates by itself, at L·α.
 *
 * @gradient exact: 1 on [0, top]
 */
export class ClippedReLU extends ReLU {
  /** The ceiling. */
  readonly top: number;
  constructor(top: number) {
    super();
    this.top = top;
  }
  /** min(max(x, 0), top). */
  override forward(x: Tensor): Tensor {
    return clip(x, 0, this.top);
  }
  override get replaceable(): (x: Tensor) => Tensor {
    return ClippedReLU.prototype.forward;
  }
  protected override describe(): string {
    return `${this.top}`;
  }
}

/** y = min(max(x, 0), 6). `prepare` makes a staircase of it, as of a ReLU. @gradient exact: 1 on [0, 6] */
export class ReLU6 extends ClippedReLU {
  constructor() {
    super(6);
  }
  protected override describe(): string {
    return "";
  }
}

/** y = tanh x. @gradient exact */
export class Tanh extends Module {
  override forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** y = 1/(1 + e^−x). @gradient exact */
export class Sigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** y = e^x / Σ e^x along one axis. @gradient exact */
export class Softmax extends Module {
  /** The axis along which the results sum to 1. */
  readonly axis: number;
  /** @param axis default −1, the last */
  constructor(axis = -1) {
    super();
    check("Softmax", "axis", axis, integer());
    this.axis = axis;
  }
  override forward(x: Tensor): Tensor {
    return softmax(x, this.axis);
  }
}

/** y = x. @gradient exact */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}
