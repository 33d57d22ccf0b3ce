/** @file The transposed convolution layer. */
import { convTranspose2d } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, either, flag, instanceOf, integer, listOf } from "../core/checks.js";
import { Rng } from "../core/rng.js";
import { NDArray } from "../ndarray/ndarray.js";
import { type Pair, pair } from "../ndarray/window.js";
import { checkGroups, isPair } from "./geometry.js";
import { layerDefault, type RandomSource } from "./init.js";
import { biasText, geometryText } from "./layer-text.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** Options of {@link ConvTranspose2d}. */
export interface ConvTranspose2dOptions extends RandomSource {
  /** Distance of the input's pixels in the output. Default 1. */
  stride?: Pair;
  /** What is cut off the output: a number, [vertical, horizontal], or four sides. Default 0. */
  padding?: Pair | readonly [number, number, number, number];
  /** Rows and columns more at the bottom and right, less than the stride or the dilation. Default 0. */
  outputPadding?: Pair;
  /** Distance between taps. Default 1. */
  dilation?: Pair;
  /** Divides both channel numbers. Default 1. */
  groups?: number;
  /** Default true. */
  bias?: boolean;
}

/**
 * Transposed 2-d convolution over images [N,H,W,C], with W [inChannels, outChannels/groups, Kh, Kw] and b
 * [outChannels]; starts as PyTorch's does, whose state dict it loads as it is.
 *
 * @gradient exact
 * @throws ArgumentError if `groups` does not divide both channel numbers
 */
export class ConvTranspose2d extends Module {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Height and width of the kernel. */
  readonly kernelSize: readonly [number, number];
  /** Steps of the kernel. */
  readonly stride: Pair;
  /** Zeros around the image. */
  readonly padding: Pair | readonly [number, number, number, number];
  /** Rows and columns added to the output. */
  readonly outputPadding: Pair;
  /** Distance of the kernel's pixels. */
  readonly dilation: Pair;
  /** Groups of channels that do not see each other. */
  readonly groups: number;
  /** Kernels. */
  weight: Parameter;
  /** Bias, one for each output channel, or null. */
  bias: Parameter | null;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: ConvTranspose2dOptions = {}) {
    super();
    const op = "ConvTranspose2d";
    check(op, "inChannels", inChannels, integer(1));
    check(op, "outChannels", outChannels, integer(1));
    check(op, "kernel size", kernelSize, isPair(1));
    checkOptions<ConvTranspose2dOptions>(op, options, {
      stride: isPair(1),
      padding: either(isPair(0), listOf(integer(0), 4)),
      outputPadding: isPair(0),
      dilation: isPair(1),
      groups: integer(1),
      bias: flag,
      rng: instanceOf(Rng, "an Rng"),
    });
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = pair(op, "kernel size", kernelSize, 1);
    this.stride = options.stride ?? 1;
    this.padding = options.padding ?? 0;
    this.outputPadding = options.outputPadding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.groups = options.groups ?? 1;
    checkGroups(op, inChannels, outChannels, this.groups);
    this.weight = new Parameter(NDArray.empty([inChannels, outChannels / this.groups, ...this.kernelSize]));
    this.bias = options.bias === false ? null : new Parameter(NDArray.empty([outChannels]));
    layerDefault(this.weight, this.bias, { rng: options.rng });
  }

  /**
   * In training as the gradient of a convolution, which takes fewer products; in evaluation with the sums of the packed
   * runtime, to the bit.
   *
   * @param x [N,H,W,inChannels] @returns [N,outH,outW,outChannels]
   */
  override forward(x: Tensor): Tensor {
    const { stride, padding, outputPadding, dilation, groups } = this;
    const algorithm = this.training ? "fast" : "direct";
    return convTranspose2d(x, this.weight, this.bias, { stride, padding, outputPadding, dilation, groups, algorithm });
  }
  protected override describe(): string {
    return geometryText(this) + biasText(this);
  }
}
