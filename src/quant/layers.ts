/** @file Quantized convolutions and quantized linear layers, made from float ones. */
import { conv1d, conv2d, linear } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import type { SequencePadding } from "../ndarray/sequence.js";
import type { Padding, Pair } from "../ndarray/window.js";
import { Conv2d } from "../nn/conv.js";
import { Conv1d } from "../nn/conv1d.js";
import { geometryText } from "../nn/layer-text.js";
import { Linear } from "../nn/linear.js";
import { quantConv2dOp } from "./ops/conv.js";
import { quantConv1dOp } from "./ops/conv1d.js";
import { quantLinearOp } from "./ops/linear.js";
import { type QuantLayerOptions, type Shared, WeightedLayer } from "./weighted-layer.js";

/**
 * Convolution with quantized weights: multiplies weight codes by activation codes, exactly, then scales.
 *
 * State: `weight` (latent, float, [O, C/groups, Kh, Kw]) and `bias`, as the float layer's.
 *
 * @gradient coarse: the gradient at the projected weights goes to the latent weights unchanged
 * @throws QuantError in forward if a weight is NaN or infinite
 * @see BCGD §2, §4
 * @example
 * const layer = new QuantConv2d(new Conv2d(16, 32, 3), { weights: binary() });
 */
export class QuantConv2d extends WeightedLayer {
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

  /**
   * @param conv gives its geometry, and its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(conv: Conv2d, options: QuantLayerOptions, shared: Shared = new Map()) {
    super("QuantConv2d", conv, [Conv2d, "a Conv2d"], options, shared);
    this.inChannels = conv.inChannels;
    this.outChannels = conv.outChannels;
    this.kernelSize = conv.kernelSize;
    this.stride = conv.stride;
    this.padding = conv.padding;
    this.dilation = conv.dilation;
    this.groups = conv.groups;
  }

  /** @param x [N,H,W,inChannels], coded or real @returns real [N,outH,outW,outChannels] */
  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    const options = { stride, padding, dilation, groups };
    return this.products(x, quantConv2dOp, options, (weight, bias) => conv2d(x, weight, bias, options));
  }
  protected override describe(): string {
    return `${geometryText(this)}, ${super.describe()}`;
  }
}

/**
 * Convolution over time with quantized weights: multiplies weight codes by activation codes, exactly, then scales.
 *
 * State: `weight` (latent, float, [O, C/groups, K]) and `bias`, as the float layer's.
 *
 * @gradient coarse: the gradient at the projected weights goes to the latent weights unchanged
 * @throws QuantError in forward if a weight is NaN or infinite
 * @see BCGD §2, §4
 */
export class QuantConv1d extends WeightedLayer {
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

  /**
   * @param conv gives its geometry, and its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(conv: Conv1d, options: QuantLayerOptions, shared: Shared = new Map()) {
    super("QuantConv1d", conv, [Conv1d, "a Conv1d"], options, shared);
    this.inChannels = conv.inChannels;
    this.outChannels = conv.outChannels;
    this.kernelSize = conv.kernelSize;
    this.stride = conv.stride;
    this.padding = conv.padding;
    this.dilation = conv.dilation;
    this.groups = conv.groups;
  }

  /** @param x [N,T,inChannels], coded or real @returns real [N,outT,outChannels] */
  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    const options = { stride, padding, dilation, groups };
    return this.products(x, quantConv1dOp, options, (weight, bias) => conv1d(x, weight, bias, options));
  }
  protected override describe(): string {
    return `${geometryText(this)}, ${super.describe()}`;
  }
}

/**
 * Fully connected layer with quantized weights: multiplies weight codes by activation codes, exactly, then scales.
 *
 * State: `weight` (latent, float, [out, in]) and `bias`, as the float layer's.
 *
 * @gradient coarse: the gradient at the projected weights goes to the latent weights unchanged
 * @throws QuantError in forward if a weight is NaN or infinite
 * @see BCGD §2, §4
 */
export class QuantLinear extends WeightedLayer {
  /** Numbers in a row of the input. */
  readonly inFeatures: number;
  /** Numbers in a row of the output. */
  readonly outFeatures: number;

  /**
   * @param layer gives its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(layer: Linear, options: QuantLayerOptions, shared: Shared = new Map()) {
    super("QuantLinear", layer, [Linear, "a Linear"], options, shared);
    this.inFeatures = layer.inFeatures;
    this.outFeatures = layer.outFeatures;
  }

  /** @param x [..., inFeatures], coded or real @returns real [..., outFeatures] */
  override forward(x: Tensor): Tensor {
    return this.products(x, quantLinearOp, {}, (weight, bias) => linear(x, weight, bias));
  }
  protected override describe(): string {
    return `${this.inFeatures} → ${this.outFeatures}, ${super.describe()}`;
  }
}

/** A layer with quantized weights. */
export type QuantLayer = QuantConv2d | QuantConv1d | QuantLinear;

/** True for a layer with quantized weights. */
export function isQuantLayer(layer: unknown): layer is QuantLayer {
  return layer instanceof QuantConv2d || layer instanceof QuantConv1d || layer instanceof QuantLinear;
}
