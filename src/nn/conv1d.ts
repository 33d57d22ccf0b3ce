/** @file The convolution layer over time. */
import { conv1d } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, flag, instanceOf, integer } from "../core/checks.js";
import { Rng } from "../core/rng.js";
import { NDArray } from "../ndarray/ndarray.js";
import { isSequencePadding, type SequencePadding } from "../ndarray/sequence.js";
import { checkGroups } from "./geometry.js";
import { layerDefault, type RandomSource } from "./init.js";
import { biasText, geometryText } from "./layer-text.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** Options of {@link Conv1d}. */
export interface Conv1dOptions extends RandomSource {
  /** Default 1. */
  stride?: number;
  /** Zeros at both ends: a number, [before, after], "same" or "valid". Default 0. */
  padding?: SequencePadding;
  /** Distance between taps. Default 1. */
  dilation?: number;
  /** Divides both channel numbers; inChannels for a depthwise convolution. Default 1. */
  groups?: number;
  /** Default true. */
  bias?: boolean;
}

/**
 * 1-d convolution (cross-correlation) over sequences [N,T,C], with W [outChannels, inChannels/groups, K] and b
 * [outChannels]; starts as PyTorch's does, whose state dict it loads as it is.
 *
 * @gradient exact
 * @throws ArgumentError if `groups` does not divide both channel numbers
 */
export class Conv1d extends Module {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Length of the kernel. */
  readonly kernelSize: number;
  /** Steps of the kernel. */
  readonly stride: number;
  /** Zeros around the sequence. */
  readonly padding: SequencePadding;
  /** Distance of the kernel's numbers. */
  readonly dilation: number;
  /** Groups of channels that do not see each other. */
  readonly groups: number;
  /** Kernels [O, I/groups, K]. */
  weight: Parameter;
  /** Bias [O], or null. */
  bias: Parameter | null;

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dOptions = {}) {
    super();
    check("Conv1d", "inChannels", inChannels, integer(1));
    check("Conv1d", "outChannels", outChannels, integer(1));
    check("Conv1d", "kernel size", kernelSize, integer(1));
    checkOptions<Conv1dOptions>("Conv1d", options, {
      stride: integer(1),
      padding: isSequencePadding,
      dilation: integer(1),
      groups: integer(1),
      bias: flag,
      rng: instanceOf(Rng, "an Rng"),
    });
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? 1;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.groups = options.groups ?? 1;
    checkGroups("Conv1d", inChannels, outChannels, this.groups);
    this.weight = new Parameter(NDArray.empty([outChannels, inChannels / this.groups, kernelSize]));
    this.bias = options.bias === false ? null : new Parameter(NDArray.empty([outChannels]));
    layerDefault(this.weight, this.bias, { rng: options.rng });
  }

  /** @param x [N,T,inChannels] @returns [N,outT,outChannels] */
  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    return conv1d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }
  protected override describe(): string {
    return geometryText(this) + biasText(this);
  }
}
