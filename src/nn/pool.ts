/** @file Pooling and flattening of images. */
import { avgPool2d, globalAvgPool2d, maxPool2d, type PoolOptions } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, flag, type OptionRules } from "../core/checks.js";
import type { Padding, Pair } from "../ndarray/window.js";
import { isPadding, isPair } from "./geometry.js";
import { Module } from "./module.js";

export type { PoolOptions };

const POOL_RULES: OptionRules<PoolOptions> = {
  stride: isPair(1),
  padding: isPadding,
  dilation: isPair(1),
  ceilMode: flag,
};

/**
 * Largest value of each window, per channel, on [N,H,W,C]; padding counts as −∞. Codes stay codes.
 *
 * @gradient exact (the first of equals gets all of it)
 */
export class MaxPool2d extends Module {
  /** Height and width of a window. */
  readonly kernelSize: Pair;
  /** From one window to the next. */
  readonly stride: Pair;
  /** Rows and columns around the image. */
  readonly padding: Padding;
  /** Between the taps of a window. */
  readonly dilation: Pair;
  /** Outputs rounded up, as in PyTorch. */
  readonly ceilMode: boolean;
  constructor(kernelSize: Pair, options: PoolOptions = {}) {
    super();
    check("MaxPool2d", "kernel size", kernelSize, isPair(1));
    checkOptions<PoolOptions>("MaxPool2d", options, POOL_RULES);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.ceilMode = options.ceilMode ?? false;
  }
  override forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, windowOf(this));
  }
  protected override describe(): string {
    return describePool(this);
  }
}

/** Mean of each window, per channel, on [N,H,W,C]. @gradient exact */
export class AvgPool2d extends Module {
  /** Height and width of a window. */
  readonly kernelSize: Pair;
  /** From one window to the next. */
  readonly stride: Pair;
  /** Rows and columns around the image. */
  readonly padding: Padding;
  /** Between the taps of a window. */
  readonly dilation: Pair;
  /** Outputs rounded up, as in PyTorch. */
  readonly ceilMode: boolean;
  /** Zeros of the padding count in the mean, as in PyTorch. Default true. */
  readonly countIncludePad: boolean;
  constructor(kernelSize: Pair, options: PoolOptions & { countIncludePad?: boolean } = {}) {
    super();
    check("AvgPool2d", "kernel size", kernelSize, isPair(1));
    checkOptions<PoolOptions & { countIncludePad?: boolean }>("AvgPool2d", options, {
      ...POOL_RULES,
      countIncludePad: flag,
    });
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.ceilMode = options.ceilMode ?? false;
    this.countIncludePad = options.countIncludePad ?? true;
  }
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, { ...windowOf(this), countIncludePad: this.countIncludePad });
  }
  protected override describe(): string {
    return describePool(this);
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

type Window = Required<PoolOptions>;

function windowOf({ stride, padding, dilation, ceilMode }: Window): Window {
  return { stride, padding, dilation, ceilMode };
}

function describePool(pool: Window & { kernelSize: Pair }): string {
  const parts = [`${pool.kernelSize}`.replace(",", "×")];
  if (`${pool.stride}` !== `${pool.kernelSize}`) parts.push(`stride ${pool.stride}`);
  if (`${pool.padding}` !== "0") parts.push(`padding ${pool.padding}`);
  if (`${pool.dilation}` !== "1") parts.push(`dilation ${pool.dilation}`);
  if (pool.ceilMode) parts.push("ceil mode");
  return parts.join(", ");
}
