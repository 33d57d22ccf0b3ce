/** @file Quantized convolutions and quantized linear layers, made from float ones. */
import { conv1d, conv2d, linear } from "../autograd/functions.js";
import { apply, type Tensor } from "../autograd/tensor.js";
import { check, instanceOf } from "../core/checks.js";
import type { SequencePadding } from "../ndarray/sequence.js";
import type { Padding, Pair } from "../ndarray/window.js";
import { Conv2d } from "../nn/conv.js";
import { Conv1d } from "../nn/conv1d.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import type { Parameter } from "../nn/parameter.js";
import { toldOrigin } from "./called-relu.js";
import { quantConv2dOp } from "./ops/conv.js";
import { quantConv1dOp } from "./ops/conv1d.js";
import { quantLinearOp } from "./ops/linear.js";
import { relaxOp } from "./ops/relax.js";
import { type Projection, projectionFor } from "./projection/index.js";
import { type Granularity, QuantParameter } from "./quant-parameter.js";

/** How a layer's weights are quantized. */
export interface QuantLayerOptions {
  /** A rule, or a width for its default rule ({@link projectionFor}). */
  readonly weights: Projection | number;
  /** What shares one δ: "layer" (default, the paper) or "channel". */
  readonly granularity?: Granularity;
}

/** Shared weights: the quantized parameter of each float one that a call of `prepare` has met. */
export type Shared = Map<Parameter, QuantParameter>;

function quantized(weight: Parameter, options: QuantLayerOptions, shared: Shared): QuantParameter {
  const parameter = shared.get(weight) ?? takeOver(weight, options);
  shared.set(weight, parameter);
  return parameter;
}

/** The latent weights on the memory of a float parameter, which is to be forgotten. */
function takeOver(weight: Parameter, { weights, granularity }: QuantLayerOptions): QuantParameter {
  weight.zeroGrad();
  const projection = typeof weights === "number" ? projectionFor(weights) : weights;
  const { name, constraint, requiresGrad } = weight;
  if (weight instanceof QuantParameter) {
    weight.projection = projection;
    weight.granularity = granularity ?? "layer";
    return weight;
  }
  return new QuantParameter(weight.data, { projection, granularity, name, constraint, requiresGrad });
}

function relaxed(weight: QuantParameter): Tensor {
  return apply(relaxOp, [weight], { weight: weight.quantized(), eta: weight.relax ?? 0 });
}

function describeWeight({ projection, granularity }: QuantParameter): string {
  const { name, bits } = projection;
  return `${bits}-bit ${name}${granularity === "channel" ? " per channel" : ""}`;
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
export class QuantConv2d extends Module {
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
  /** Latent weights with their rule; what computes is their projection. */
  weight: QuantParameter;
  /** Bias, one for each output, or null. */
  bias: Parameter | null;
  #expectsCodes = false;

  /**
   * @param conv gives its geometry, and its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(conv: Conv2d, options: QuantLayerOptions, shared: Shared = new Map()) {
    super();
    check("QuantConv2d", "layer", conv, instanceOf(Conv2d, "a Conv2d"));
    this.inChannels = conv.inChannels;
    this.outChannels = conv.outChannels;
    this.kernelSize = conv.kernelSize;
    this.stride = conv.stride;
    this.padding = conv.padding;
    this.dilation = conv.dilation;
    this.groups = conv.groups;
    this.weight = quantized(conv.weight, options, shared);
    this.bias = conv.bias;
    this.training = conv.training;
  }

  /** For prepare(): the next pass looks whether a ReLU that is called as a function left real numbers here. */
  expectCodes(): void {
    this.#expectsCodes = true;
  }
  /** @param x [N,H,W,inChannels], coded or real @returns real [N,outH,outW,outChannels] */
  override forward(x: Tensor): Tensor {
    const { weight, bias, stride, padding, dilation, groups } = this;
    const options = { stride, padding, dilation, groups };
    if (this.#expectsCodes) this.#expectsCodes = !toldOrigin(weight.name, x);
    if (weight.relax !== null) return conv2d(x, relaxed(weight), bias, options);
    const inputs = bias === null ? [x, weight] : [x, weight, bias];
    return apply(quantConv2dOp, inputs, { weight: weight.quantized(), ...options });
  }
  protected override describe(): string {
    const { inChannels, outChannels, kernelSize, weight } = this;
    return `${inChannels} → ${outChannels}, ${kernelSize.join("×")}, ${describeWeight(weight)}`;
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
export class QuantConv1d extends Module {
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
  /** Latent weights with their rule; what computes is their projection. */
  weight: QuantParameter;
  /** Bias [O], or null. */
  bias: Parameter | null;
  #expectsCodes = false;

  /**
   * @param conv gives its geometry, and its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(conv: Conv1d, options: QuantLayerOptions, shared: Shared = new Map()) {
    super();
    check("QuantConv1d", "layer", conv, instanceOf(Conv1d, "a Conv1d"));
    this.inChannels = conv.inChannels;
    this.outChannels = conv.outChannels;
    this.kernelSize = conv.kernelSize;
    this.stride = conv.stride;
    this.padding = conv.padding;
    this.dilation = conv.dilation;
    this.groups = conv.groups;
    this.weight = quantized(conv.weight, options, shared);
    this.bias = conv.bias;
    this.training = conv.training;
  }

  /** For prepare(): the next pass looks whether a ReLU that is called as a function left real numbers here. */
  expectCodes(): void {
    this.#expectsCodes = true;
  }
  /** @param x [N,T,inChannels], coded or real @returns real [N,outT,outChannels] */
  override forward(x: Tensor): Tensor {
    const { weight, bias, stride, padding, dilation, groups } = this;
    const options = { stride, padding, dilation, groups };
    if (this.#expectsCodes) this.#expectsCodes = !toldOrigin(weight.name, x);
    if (weight.relax !== null) return conv1d(x, relaxed(weight), bias, options);
    const inputs = bias === null ? [x, weight] : [x, weight, bias];
    return apply(quantConv1dOp, inputs, { weight: weight.quantized(), ...options });
  }
  protected override describe(): string {
    const { inChannels, outChannels, kernelSize, weight } = this;
    return `${inChannels} → ${outChannels}, ${kernelSize}, ${describeWeight(weight)}`;
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
export class QuantLinear extends Module {
  /** Numbers in a row of the input. */
  readonly inFeatures: number;
  /** Numbers in a row of the output. */
  readonly outFeatures: number;
  /** Latent weights with their rule; what computes is their projection. */
  weight: QuantParameter;
  /** Bias, one for each output, or null. */
  bias: Parameter | null;
  #expectsCodes = false;

  /**
   * @param layer gives its parameters' memory: it must not be used any more
   * @param shared quantized parameters of weights that several layers share
   */
  constructor(layer: Linear, options: QuantLayerOptions, shared: Shared = new Map()) {
    super();
    check("QuantLinear", "layer", layer, instanceOf(Linear, "a Linear"));
    this.inFeatures = layer.inFeatures;
    this.outFeatures = layer.outFeatures;
    this.weight = quantized(layer.weight, options, shared);
    this.bias = layer.bias;
    this.training = layer.training;
  }

  /** For prepare(): the next pass looks whether a ReLU that is called as a function left real numbers here. */
  expectCodes(): void {
    this.#expectsCodes = true;
  }
  /** @param x [..., inFeatures], coded or real @returns real [..., outFeatures] */
  override forward(x: Tensor): Tensor {
    const { weight, bias } = this;
    if (this.#expectsCodes) this.#expectsCodes = !toldOrigin(weight.name, x);
    if (weight.relax !== null) return linear(x, relaxed(weight), bias);
    const inputs = bias === null ? [x, weight] : [x, weight, bias];
    return apply(quantLinearOp, inputs, { weight: weight.quantized() });
  }
  protected override describe(): string {
    return `${this.inFeatures} → ${this.outFeatures}, ${describeWeight(this.weight)}`;
  }
}

/** A layer with quantized weights. */
export type QuantLayer = QuantConv2d | QuantConv1d | QuantLinear;

/** True for a layer with quantized weights. */
export function isQuantLayer(layer: unknown): layer is QuantLayer {
  return layer instanceof QuantConv2d || layer instanceof QuantConv1d || layer instanceof QuantLinear;
}
