/** @file Pooling of sequences. */
import { avgPool1d, globalAvgPool1d, maxPool1d, type Pool1dOptions } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { flag, integer } from "../core/checks.js";
import { isSequencePadding, type SequencePadding } from "../ndarray/sequence.js";
import { Module } from "./module.js";
import { WindowPool, windowRules } from "./window-pool.js";

export type { Pool1dOptions };

const RULES = windowRules<number, SequencePadding>(integer(1), isSequencePadding);

/**
 * Largest value of each window over time, per channel, on [N,T,C]; padding counts as −∞. Codes stay codes.
 *
 * @gradient exact (the first of equals gets all of it)
 */
export class MaxPool1d extends WindowPool<number, SequencePadding> {
  constructor(kernelSize: number, options: Pool1dOptions = {}) {
    super("MaxPool1d", kernelSize, options, RULES);
  }
  override forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, this.windows);
  }
}

/** Mean of each window over time, per channel, on [N,T,C]. @gradient exact */
export class AvgPool1d extends WindowPool<number, SequencePadding> {
  /** Zeros of the padding count in the mean, as in PyTorch. Default true. */
  readonly countIncludePad: boolean;
  constructor(kernelSize: number, options: Pool1dOptions & { countIncludePad?: boolean } = {}) {
    const rules = { ...RULES, countIncludePad: flag };
    super("AvgPool1d", kernelSize, options, rules);
    this.countIncludePad = options.countIncludePad ?? true;
  }
  override forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, { ...this.windows, countIncludePad: this.countIncludePad });
  }
}

/** Mean over time, [N,T,C] → [N,C]. @gradient exact */
export class GlobalAvgPool1d extends Module {
  override forward(x: Tensor): Tensor {
    return globalAvgPool1d(x);
  }
}
