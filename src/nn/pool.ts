/** @file Pooling and flattening of images. */
import { avgPool2d, globalAvgPool2d, maxPool2d, type PoolOptions } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { flag } from "../core/checks.js";
import type { Padding, Pair } from "../ndarray/window.js";
import { isPadding, isPair } from "./geometry.js";
import { Module } from "./module.js";
import { WindowPool, windowRules } from "./window-pool.js";

export type { PoolOptions };

const RULES = windowRules<Pair, Padding>(isPair(1), isPadding);

/**
 * Largest value of each window, per channel, on [N,H,W,C]; padding counts as −∞. Codes stay codes.
 *
 * @gradient exact (the first of equals gets all of it)
 */
export class MaxPool2d extends WindowPool<Pair, Padding> {
  constructor(kernelSize: Pair, options: PoolOptions = {}) {
    super("MaxPool2d", kernelSize, options, RULES);
  }
  override forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.windows);
  }
}

/** Mean of each window, per channel, on [N,H,W,C]. @gradient exact */
export class AvgPool2d extends WindowPool<Pair, Padding> {
  /** Zeros of the padding count in the mean, as in PyTorch. Default true. */
  readonly countIncludePad: boolean;
  constructor(kernelSize: Pair, options: PoolOptions & { countIncludePad?: boolean } = {}) {
    const rules = { ...RULES, countIncludePad: flag };
    super("AvgPool2d", kernelSize, options, rules);
    this.countIncludePad = options.countIncludePad ?? true;
  }
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, { ...this.windows, countIncludePad: this.countIncludePad });
  }
}

/** Mean over all pixels, [N,H,W,C] → [N,C]. @gradient exact */
export class GlobalAvgPool2d extends Module {
  override forward(x: Tensor): Tensor {
    return globalAvgPool2d(x);
  }
}

/**
 * [N, …] → [N, product of the rest], row-major: an image becomes rows, then columns, then channels. Codes stay codes.
 * @gradient exact
 */
export class Flatten extends Module {
  override forward(x: Tensor): Tensor {
    return x.reshape([x.shape[0], -1]);
  }
}
