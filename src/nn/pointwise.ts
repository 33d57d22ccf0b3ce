/** @file Activations of each element as modules, named as in PyTorch. `prepare()` leaves them as they are. */
import {
  elu,
  type GeluOptions,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  prelu,
  selu,
  silu,
} from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, integer, oneOf, real } from "../core/checks.js";
import { NDArray } from "../ndarray/ndarray.js";
import { SELU as SELU_DEFAULTS } from "../ops/activation.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** A function of each element: the shape stays. */
export abstract class PointwiseActivation extends Module {}

/** y = x for x > 0, else slope·x. @gradient exact */
export class LeakyReLU extends PointwiseActivation {
  /** Slope below zero. */
  readonly slope: number;
  /** @param slope default 0.01 @throws ArgumentError unless it is a finite number */
  constructor(slope = 0.01) {
    super();
    check("LeakyReLU", "slope", slope, real);
    this.slope = slope;
  }
  override forward(x: Tensor): Tensor {
    return leakyRelu(x, this.slope);
  }
  protected override describe(): string {
    return `${this.slope}`;
  }
}

/** y = x for x > 0, else weight·x, with one learned slope for all or one per channel (last axis). @gradient exact */
export class PReLU extends PointwiseActivation {
  /** Slope below zero, trained. */
  weight: Parameter;
  /**
   * @param channels 1 (default): one slope; else as many as the input has channels
   * @param init slope to begin with. Default 0.25
   * @throws ArgumentError on a bad count or start
   */
  constructor(channels = 1, init = 0.25) {
    super();
    check("PReLU", "channels", channels, integer(1));
    check("PReLU", "init", init, real);
    this.weight = new Parameter(NDArray.full([channels], init));
  }
  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }
  protected override describe(): string {
    return `${this.weight.size}`;
  }
}

/** y = x for x > 0, else alpha·(e^x − 1). @gradient exact */
export class ELU extends PointwiseActivation {
  /** α of the definition. */
  readonly alpha: number;
  /** @param alpha default 1 @throws ArgumentError unless it is a finite number */
  constructor(alpha = 1) {
    super();
    check("ELU", "alpha", alpha, real);
    this.alpha = alpha;
  }
  override forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
  protected override describe(): string {
    return `${this.alpha}`;
  }
}

/** y = scale·x for x > 0, else scale·alpha·(e^x − 1). @gradient exact */
export class SELU extends PointwiseActivation {
  /** α of the definition. */
  readonly alpha: number;
  /** The factor of all values. */
  readonly scale: number;
  /**
   * @param alpha default 1.6732632423543772
   * @param scale default 1.0507009873554805
   * @throws ArgumentError unless both are finite numbers
   */
  constructor(alpha: number = SELU_DEFAULTS.alpha, scale: number = SELU_DEFAULTS.scale) {
    super();
    check("SELU", "alpha", alpha, real);
    check("SELU", "scale", scale, real);
    this.alpha = alpha;
    this.scale = scale;
  }
  override forward(x: Tensor): Tensor {
    return selu(x, this.alpha, this.scale);
  }
}

/** y = x·Φ(x), or its approximation by tanh. @gradient exact */
export class GELU extends PointwiseActivation {
  /** Which formula computes it. */
  readonly approximate: "none" | "tanh";
  /** @param options `approximate`: `none` (default) or `tanh` @throws ArgumentError on another one */
  constructor(options: GeluOptions = {}) {
    super();
    checkOptions("GELU", options, { approximate: oneOf("none", "tanh") });
    this.approximate = options.approximate ?? "none";
  }
  override forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
  protected override describe(): string {
    return this.approximate === "none" ? "" : this.approximate;
  }
}

/** y = x/(1 + e^−x). @gradient exact */
export class SiLU extends PointwiseActivation {
  override forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** y = x·min(max(x + 3, 0), 6)/6. @gradient exact */
export class Hardswish extends PointwiseActivation {
  override forward(x: Tensor): Tensor {
    return hardSwish(x);
  }
}

/** y = min(max(alpha·x + beta, 0), 1). @gradient exact */
export class Hardsigmoid extends PointwiseActivation {
  /** α of the definition. */
  readonly alpha: number;
  /** β of the definition. */
  readonly beta: number;
  /**
   * @param alpha default 1/6
   * @param beta default ½
   * @throws ArgumentError unless both are finite numbers
   */
  constructor(alpha: number = 1 / 6, beta = 0.5) {
    super();
    check("Hardsigmoid", "alpha", alpha, real);
    check("Hardsigmoid", "beta", beta, real);
    this.alpha = alpha;
    this.beta = beta;
  }
  override forward(x: Tensor): Tensor {
    return hardSigmoid(x, this.alpha, this.beta);
  }
}
