/** @file The convolution layer. */
import { conv2d } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, flag, instanceOf, integer } from "../core/checks.js";
import { Rng } from "../core/rng.js";
import { NDArray } from "../ndarray/ndarray.js";
import { type Padding, type Pair, pair } from "../ndarray/window.js";
import { checkGroups, isPadding, isPair } from "./geometry.js";
import { layerDefault, type RandomSource } from "./init.js";
import { biasText, geometryText } from "./layer-text.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** Options of {@link Conv2d}. */
export interface Conv2dOptions extends RandomSource {
  /** Default 1. */
  stride?: Pair;
  /** Zeros around the image: a number, [vertical, horizontal], four sides, "same" or "valid". Default 0. */
  padding?: Padding;
  /** Distance between taps. Default 1. */
  dilation?: Pair;
  /** Divides both channel numbers; inChannels for a depthwise convolution. Default 1. */
  groups?: number;
  /** Default true. */
  bias?: boolean;
}

/**
 * 2-d convolution (cross-correlation) over images [N,H,W,C], with W [outChannels, inChannels/groups, Kh, Kw] and b
 * [outChannels]; starts as PyTorch's does.
 *
 * @gradient exact
 * @throws ArgumentError if `groups` does not divide both channel numbers
 */
export class Conv2d extends Module {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Height and width of the kernel. */
  readonly kernelSize: readonly [number, number];
  /** Steps of the kernel. */
  readonly stride: Pair;
  /** Zeros around the image. */
  readonly padding: Padding;
  /** Distance of the kernel's pixels. */
  readonly dilation: Pair;
  /** Groups of channels that do not see each other. */
  readonly groups: number;
  /** Kernels [O, I/groups, Kh, Kw]. */
  weight: Parameter;
  /** Bias [O], or null. */
  bias: Parameter | null;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dOptions = {}) {
    super();
    check("Conv2d", "inChannels", inChannels, integer(1));
    check("Conv2d", "outChannels", outChannels, integer(1));
    checkOptions<Conv2dOptions>("Conv2d", options, {
      stride: isPair(1),
      padding: isPadding,
      dilation: isPair(1),
      groups: integer(1),
      bias: flag,
      rng: instanceOf(Rng, "an Rng"),
    });
    check("Conv2d", "kernel size", kernelSize, isPair(1));
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = pair("Conv2d", "kernel size", kernelSize, 1);
    this.stride = options.stride ?? 1;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.groups = options.groups ?? 1;
    checkGroups("Conv2d", inChannels, outChannels, this.groups);
    this.weight = new Parameter(NDArray.empty([outChannels, inChannels / this.groups, ...this.kernelSize]));
    this.bias = options.bias === false ? null : new Parameter(NDArray.empty([outChannels]));
    layerDefault(this.weight, this.bias, { rng: options.rng });
  }

  /**
   * In training by the fastest algorithm, whose errors are relative to the largest pixel nearby (see `algorithm` of
   * `conv2d`: keep inputs of one scale); in evaluation with the sums of the packed runtime, to the bit.
   *
   * @param x [N,H,W,inChannels] @returns [N,outH,outW,outChannels]
   */
  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    const algorithm = this.training ? "fast" : "direct";
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups, algorithm });
  }
  protected override describe(): string {
    return geometryText(this) + biasText(this);
  }
}
