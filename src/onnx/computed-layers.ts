/** @file Layers of imported networks that are computed in real numbers: functions, reductions, norms, rearrangements. */
import {
  abs,
  add,
  div,
  exp,
  log,
  max,
  mean,
  min,
  mul,
  neg,
  pad,
  permute,
  pow,
  relu,
  slice,
  sqrt,
  sub,
  sum,
} from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { Module } from "../nn/module.js";

/** log(1 + e^x), without overflow: max(x, 0) + log(1 + e^−|x|). */
function softplus(x: Tensor): Tensor {
  return add(relu(x), log(add(exp(neg(abs(x))), 1)));
}

const POINTWISE = { abs, exp, log, neg, softplus, sqrt };

/** A function of each element. @gradient exact */
export class Pointwise extends Module {
  readonly fn: keyof typeof POINTWISE;
  constructor(fn: keyof typeof POINTWISE) {
    super();
    this.fn = fn;
  }
  override forward(x: Tensor): Tensor {
    return POINTWISE[this.fn](x);
  }
  protected override describe(): string {
    return this.fn;
  }
}

const REDUCE = { mean, sum, max, min };

/** Mean, sum, largest or least along axes of [N,H,W,C] or [N,F]. @gradient exact */
export class Reduction extends Module {
  readonly fn: keyof typeof REDUCE;
  readonly axes: readonly number[];
  /** True if the axes stay, with one element. */
  readonly keep: boolean;
  constructor(fn: keyof typeof REDUCE, axes: readonly number[], keep: boolean) {
    super();
    this.fn = fn;
    this.axes = axes;
    this.keep = keep;
  }
  override forward(x: Tensor): Tensor {
    return REDUCE[this.fn](x, this.axes, this.keep);
  }
  protected override describe(): string {
    return `${this.fn} ${this.axes.join(",")}`;
  }
}

/**
 * Local response normalization over channels: y[c] = x[c]/(bias + alpha/size·Σ x²)^beta, the sum over `size` channels (odd)
 * with c in the middle.
 * @gradient exact
 */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
  constructor(size: number, options: { alpha: number; beta: number; bias: number }) {
    super();
    this.size = size;
    ({ alpha: this.alpha, beta: this.beta, bias: this.bias } = options);
  }
  override forward(x: Tensor): Tensor {
    const { size, alpha, beta, bias } = this;
    const before = (size - 1) / 2;
    const channels = x.shape[3];
    const squares = pad(mul(x, x), [0, 0, 0, [before, before]]);
    let total = slice(squares, null, null, null, [0, channels]);
    for (let i = 1; i < size; i++) total = add(total, slice(squares, null, null, null, [i, i + channels]));
    return div(x, pow(add(mul(total, alpha / size), bias), beta));
  }
  protected override describe(): string {
    return `${this.size}`;
  }
}

/**
 * y = (x − mean)/(√(variance + eps) + beyond), both over some axes of [N,H,W,C] for each image by itself.
 * @gradient exact
 */
export class Standardize extends Module {
  readonly axes: readonly number[];
  readonly eps: number;
  readonly beyond: number;
  constructor(axes: readonly number[], { eps = 0, beyond = 0 }: { eps?: number; beyond?: number }) {
    super();
    this.axes = axes;
    this.eps = eps;
    this.beyond = beyond;
  }
  override forward(x: Tensor): Tensor {
    const centred = sub(x, mean(x, this.axes, true));
    const deviation = sqrt(add(mean(mul(centred, centred), this.axes, true), this.eps));
    return div(centred, add(deviation, this.beyond));
  }
  protected override describe(): string {
    return this.axes.join(",");
  }
}

/**
 * Elements in another order: the image in ONNX's order, [C,H,W], is seen as `split`, whose axes change places, and
 * becomes `shape` (as ONNX has it). Pixel shuffles and channel shuffles are such.
 * @gradient exact
 */
export class Rearranged extends Module {
  readonly split: readonly number[];
  /** Axes with the batch in front. */
  readonly axes: readonly number[];
  readonly shape: readonly number[];
  constructor(split: readonly number[], axes: readonly number[], shape: readonly number[]) {
    super();
    this.split = split;
    this.axes = axes;
    this.shape = shape;
  }
  override forward(x: Tensor): Tensor {
    const [batch] = x.shape;
    const first = x.shape.length === 4 ? permute(x, [0, 3, 1, 2]) : x;
    const moved = permute(first.reshape([batch, ...this.split]), this.axes).reshape([batch, ...this.shape]);
    return this.shape.length === 3 ? permute(moved, [0, 2, 3, 1]) : moved;
  }
  protected override describe(): string {
    return `${this.split.join("×")} → ${this.shape.join("×")}`;
  }
}
