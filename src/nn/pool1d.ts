/** @file Pooling of sequences. */
import { avgPool1d, globalAvgPool1d, maxPool1d, type Pool1dOptions } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, flag, integer, type OptionRules } from "../core/checks.js";
import { isSequencePadding, type SequencePadding } from "../ndarray/sequence.js";
import { Module } from "./module.js";

export type { Pool1dOptions };

const RULES: OptionRules<Pool1dOptions> = {
  stride: integer(1),
  padding: isSequencePadding,
  dilation: integer(1),
  ceilMode: flag,
};

type Window = Required<Pool1dOptions>;

function windowOf({ stride, padding, dilation, ceilMode }: Window): Window {
  return { stride, padding, dilation, ceilMode };
}

function describePool(pool: Window & { kernelSize: number }): string {
  const parts = [`${pool.kernelSize}`];
  if (pool.stride !== pool.kernelSize) parts.push(`stride ${pool.stride}`);
  if (`${pool.padding}` !== "0") parts.push(`padding ${pool.padding}`);
  if (pool.dilation !== 1) parts.push(`dilation ${pool.dilation}`);
  if (pool.ceilMode) parts.push("ceil mode");
  return parts.join(", ");
}

/**
 * Largest value of each window over time, per channel, on [N,T,C]; padding counts as −∞. Codes stay codes.
 *
 * @gradient exact (the first of equals gets all of it)
 */
export class MaxPool1d extends Module {
  /** Length of a window. */
  readonly kernelSize: number;
  /** From one window to the next. */
  readonly stride: number;
  /** Places around the sequence. */
  readonly padding: SequencePadding;
  /** Between the taps of a window. */
  readonly dilation: number;
  /** Outputs rounded up, as in PyTorch. */
  readonly ceilMode: boolean;
  constructor(kernelSize: number, options: Pool1dOptions = {}) {
    super();
    check("MaxPool1d", "kernel size", kernelSize, integer(1));
    checkOptions<Pool1dOptions>("MaxPool1d", options, RULES);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.ceilMode = options.ceilMode ?? false;
  }
  override forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, windowOf(this));
  }
  protected override describe(): string {
    return describePool(this);
  }
}

/** Mean of each window over time, per channel, on [N,T,C]. @gradient exact */
export class AvgPool1d extends Module {
  /** Length of a window. */
  readonly kernelSize: number;
  /** From one window to the next. */
  readonly stride: number;
  /** Places around the sequence. */
  readonly padding: SequencePadding;
  /** Between the taps of a window. */
  readonly dilation: number;
  /** Outputs rounded up, as in PyTorch. */
  readonly ceilMode: boolean;
  /** Zeros of the padding count in the mean, as in PyTorch. Default true. */
  readonly countIncludePad: boolean;
  constructor(kernelSize: number, options: Pool1dOptions & { countIncludePad?: boolean } = {}) {
    super();
    check("AvgPool1d", "kernel size", kernelSize, integer(1));
    const rules = { ...RULES, countIncludePad: flag };
    checkOptions<Pool1dOptions & { countIncludePad?: boolean }>("AvgPool1d", options, rules);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.ceilMode = options.ceilMode ?? false;
    this.countIncludePad = options.countIncludePad ?? true;
  }
  override forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, { ...windowOf(this), countIncludePad: this.countIncludePad });
  }
  protected override describe(): string {
    return describePool(this);
  }
}

/** Mean over time, [N,T,C] → [N,C]. @gradient exact */
export class GlobalAvgPool1d extends Module {
  override forward(x: Tensor): Tensor {
    return globalAvgPool1d(x);
  }
}
