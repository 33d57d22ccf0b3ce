/** @file The fully connected layer. */
import { linear } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, flag, instanceOf, integer } from "../core/checks.js";
import { Rng } from "../core/rng.js";
import { NDArray } from "../ndarray/ndarray.js";
import { layerDefault, type RandomSource } from "./init.js";
import { biasText } from "./layer-text.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** Options of {@link Linear}. */
export interface LinearOptions extends RandomSource {
  /** Default true. */
  bias?: boolean;
}

/**
 * Fully connected layer, y = x·Wᵀ + b, with W [outFeatures, inFeatures] and b [outFeatures]; starts as PyTorch's does.
 *
 * @gradient exact
 */
export class Linear extends Module {
  /** Numbers in a row of the input. */
  readonly inFeatures: number;
  /** Numbers in a row of the output. */
  readonly outFeatures: number;
  /** Weights [out, in]. */
  weight: Parameter;
  /** Bias [out], or null. */
  bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    check("Linear", "inFeatures", inFeatures, integer(1));
    check("Linear", "outFeatures", outFeatures, integer(1));
    checkOptions<LinearOptions>("Linear", options, { bias: flag, rng: instanceOf(Rng, "an Rng") });
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(NDArray.empty([outFeatures, inFeatures]));
    this.bias = options.bias === false ? null : new Parameter(NDArray.empty([outFeatures]));
    layerDefault(this.weight, this.bias, { rng: options.rng });
  }

  /** @param x [N, inFeatures] @returns [N, outFeatures] */
  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
  protected override describe(): string {
    return `${this.inFeatures} → ${this.outFeatures}${biasText(this)}`;
  }
}
