/** @file Quantized convolutions and quantized linear layers, made from float ones. */
import { conv1d, conv2d, linear } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { Conv2d } from "../nn/conv.js";
import { Conv1d } from "../nn/conv1d.js";
import { geometryText } from "../nn/layer-text.js";
import { Linear } from "../nn/linear.js";
import { quantConv2dOp } from "./ops/conv.js";
import { quantConv1dOp } from "./ops/conv1d.js";
import { quantLinearOp } from "./ops/linear.js";
import { type QuantLayerOptions, type Shared, WeightedLayer } from "./weighted-layer.js";

/** What quantized convolutions share: the geometry of the float ones that they are made from. */
abstract class QuantConvolution<Conv extends Conv1d | Conv2d> extends WeightedLayer {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Length of the kernel, or its height and width. */
  readonly kernelSize: Conv["kernelSize"];
  /** Steps of the kernel. */
  readonly stride: Conv["stride"];
  /** Zeros around the input. */
  readonly padding: Conv["padding"];
  /** Distance of the kernel's numbers. */
  readonly dilation: Conv["dilation"];
  /** Groups of channels that do not see each other. */
  readonly groups: number;

  /** Parameters as those of {@link WeightedLayer}. */
  protected constructor(
    op: string,
    conv: Conv,
    type: readonly [type: abstract new (...args: never[]) => Conv, expected: string],
    options: QuantLayerOptions,
    shared: Shared,
  ) {
    super(op, conv, type, options, shared);
    this.inChannels = conv.inChannels;
    this.outChannels = conv.outChannels;
    this.kernelSize = conv.kernelSize;
    this.stride = conv.stride;
    this.padding = conv.padding;
    this.dilation = conv.dilation;
    this.groups = conv.groups;
  }

  /** Options of the convolution that computes. */
  protected geometry(): Pick<Conv, "stride" | "padding" | "dilation" | "groups"> {
    const { stride, padding, dilation, groups } = this;
    return { stride, padding, dilation, groups } as Pick<Conv, "stride" | "padding" | "dilation" | "groups">;
  }
  protected override describe(): string {
    return `${geometryText(this)}, ${super.describe()}`;
  }
}

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
export class QuantConv2d extends QuantConvolution<Conv2d> {
  /**
   * @param conv gives its geometry, and its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(conv: Conv2d, options: QuantLayerOptions, shared: Shared = new Map()) {
    super("QuantConv2d", conv, [Conv2d, "a Conv2d"], options, shared);
  }

  /** @param x [N,H,W,inChannels], coded or real @returns real [N,outH,outW,outChannels] */
  override forward(x: Tensor): Tensor {
    const options = this.geometry();
    return this.products(x, quantConv2dOp, options, (weight, bias) => conv2d(x, weight, bias, options));
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
export class QuantConv1d extends QuantConvolution<Conv1d> {
  /**
   * @param conv gives its geometry, and its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(conv: Conv1d, options: QuantLayerOptions, shared: Shared = new Map()) {
    super("QuantConv1d", conv, [Conv1d, "a Conv1d"], options, shared);
  }

  /** @param x [N,T,inChannels], coded or real @returns real [N,outT,outChannels] */
  override forward(x: Tensor): Tensor {
    const options = this.geometry();
    return this.products(x, quantConv1dOp, options, (weight, bias) => conv1d(x, weight, bias, options));
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
