/** @file The layer normalization layer. */
import { layerNorm } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { above, check, checkOptions, either, flag, integer, listOf } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { sameShape, shapeText } from "../core/shape.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance, > 0. Default 1e-5. */
  eps?: number;
  /** Learn γ and β. Default true. */
  affine?: boolean;
  /** Learn β beside γ. Default true. */
  bias?: boolean;
}

/**
 * Layer normalization over the last axes, y = (x − mean)/√(variance + eps)·γ + β with the mean and the biased variance
 * of each row; γ is `weight` and β is `bias`, of the normalized extents. Training and evaluation are the same.
 *
 * @gradient exact
 * @throws ShapeError in forward if the last extents are others
 * @see Ba, Kiros and Hinton 2016
 * @example
 * new LayerNorm(64); // over the channels
 * new LayerNorm([8, 8, 64]); // over images of 8×8 pixels and 64 channels
 */
export class LayerNorm extends Module {
  /** The last axes, which are normalized together. */
  readonly shape: readonly number[];
  /** Added to the variance. */
  readonly eps: number;
  /** γ, of that shape, or null. */
  weight: Parameter | null;
  /** β, of that shape, or null. */
  bias: Parameter | null;

  /** @param shape the last extents, or the last one */
  constructor(shape: number | readonly number[], options: LayerNormOptions = {}) {
    super();
    const op = "LayerNorm";
    check(op, "shape", shape, either(integer(1), listOf(integer(1))));
    checkOptions<LayerNormOptions>(op, options, { eps: above(0), affine: flag, bias: flag });
    this.shape = typeof shape === "number" ? [shape] : [...shape];
    if (this.shape.length === 0) {
      throw new ArgumentError({ op, what: "shape", expected: "one extent or more", got: "none" });
    }
    const { eps = 1e-5, affine = true, bias = true } = options;
    this.eps = eps;
    this.weight = affine ? new Parameter(NDArray.full(this.shape, 1)) : null;
    this.bias = affine && bias ? new Parameter(NDArray.zeros(this.shape)) : null;
  }

  /** @param x [..., …shape] @returns the shape of x */
  override forward(x: Tensor): Tensor {
    const axes = this.shape.length;
    if (x.rank < axes || !sameShape(x.shape.slice(-axes), this.shape)) {
      const expected = `[...,${this.shape}]`;
      throw new ShapeError({ op: "LayerNorm", what: "last extents", expected, got: shapeText(x.shape) });
    }
    return layerNorm(x, this.weight, this.bias, { axes, eps: this.eps });
  }
  protected override describe(): string {
    const parts = [this.shape.join("×")];
    if (this.weight === null) parts.push("without γ and β");
    else if (this.bias === null) parts.push("no bias");
    return parts.join(", ");
  }
}
