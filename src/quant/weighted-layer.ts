/** @file What layers with quantized weights share: latent weights with their rule, a bias, and how both compute. */
import { apply, type Tensor } from "../autograd/tensor.js";
import { check, instanceOf } from "../core/checks.js";
import { biasText } from "../nn/layer-text.js";
import { Module } from "../nn/module.js";
import type { Parameter } from "../nn/parameter.js";
import type { OpDef } from "../ops/op.js";
import { toldOrigin } from "./called-relu.js";
import { relaxOp } from "./ops/relax.js";
import type { ProductSaved } from "./products.js";
import { type Projection, projectionFor } from "./projection/index.js";
import { type Granularity, type QuantizedWeight, QuantParameter } from "./quant-parameter.js";

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

/** A float layer that a quantized one is made from. */
type FloatLayer = Module & { weight: Parameter; bias: Parameter | null };

/** Latent weights, a bias, and the products of their codes with those of the input. */
export abstract class WeightedLayer extends Module {
  /** Latent weights with their rule; what computes is their projection. */
  weight: QuantParameter;
  /** Bias, one for each output, or null. */
  bias: Parameter | null;
  #expectsCodes = false;

  /**
   * @param op name of the layer, which errors tell
   * @param layer gives its parameters' memory: it must not be used any more
   * @param type what `layer` must be an instance of, and `expected` that in words
   * @param shared quantized parameters of weights that several layers share
   */
  protected constructor(
    op: string,
    layer: FloatLayer,
    [type, expected]: readonly [type: abstract new (...args: never[]) => FloatLayer, expected: string],
    options: QuantLayerOptions,
    shared: Shared,
  ) {
    super();
    check(op, "layer", layer, instanceOf(type, expected));
    this.weight = quantized(layer.weight, options, shared);
    this.bias = layer.bias;
    this.training = layer.training;
  }

  /** For prepare(): the next pass looks whether a ReLU that is called as a function left real numbers here. */
  expectCodes(): void {
    this.#expectsCodes = true;
  }

  /**
   * @param op of the products at the projected weights
   * @param options of `op`, besides the weight's codes
   * @param float the same in float, at weights that are between latent and projected ones (BinaryRelax)
   */
  protected products<Attrs extends { readonly weight: QuantizedWeight }>(
    x: Tensor,
    op: OpDef<Attrs, ProductSaved>,
    options: Omit<Attrs, "weight">,
    float: (weight: Tensor, bias: Tensor | null) => Tensor,
  ): Tensor {
    const { weight, bias } = this;
    if (this.#expectsCodes) this.#expectsCodes = !toldOrigin(weight.name, x);
    if (weight.relax !== null) return float(relaxed(weight), bias);
    const inputs = bias === null ? [x, weight] : [x, weight, bias];
    return apply(op, inputs, { weight: weight.quantized(), ...options } as Attrs);
  }

  protected override describe(): string {
    const { projection, granularity } = this.weight;
    const { name, bits } = projection;
    return `${bits}-bit ${name}${granularity === "channel" ? " per channel" : ""}${biasText(this)}`;
  }
}
