/** @file Normalization and dropout. */
import type { Rng } from "../../core/rng.js";
import { dropout as dropoutOp } from "../../ops/dropout.js";
import { type BatchNormTrainAttrs, batchNormEval, batchNormTrain } from "../../ops/norm.js";
import { defaultRng } from "../random.js";
import { apply, type Tensor } from "../tensor.js";

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  /** Added to the variance; default 1e-5. */
  eps?: number;
  /** Fixed statistics [C], as in evaluation. Without them the batch's own are used, as in training. */
  fixed?: { readonly mean: Tensor; readonly variance: Tensor };
  /** Arrays [C] that take the batch's mean and biased variance; only without `fixed`. */
  statistics?: BatchNormTrainAttrs["statistics"];
}

/**
 * Batch normalization over the last axis, y = (x − mean)/√(variance + eps)·γ + β.
 *
 * With fixed statistics, y = f32(x·scale) + shift with scale = γ·invStd, shift = β − mean·scale, invStd = 1/√(variance + eps), each
 * operation rounded once.
 * @param x [..., C]
 * @param gamma [C]
 * @param beta [C]
 * @returns the shape of x
 * @gradient exact for x, γ, β (and for fixed statistics that want one)
 * @throws ShapeError if channels do not match, or without fixed statistics for fewer than two rows; DTypeError on mixed types
 */
export function batchNorm(x: Tensor, gamma: Tensor, beta: Tensor, options: BatchNormOptions = {}): Tensor {
  const { eps = 1e-5, fixed, statistics } = options;
  if (fixed === undefined) return apply(batchNormTrain, [x, gamma, beta], { eps, statistics });
  return apply(batchNormEval, [x, gamma, beta, fixed.mean, fixed.variance], { eps });
}

/**
 * Dropout: zeroes each element with probability p and multiplies the rest by 1/(1 − p). For training; in evaluation leave it out.
 * @param p in [0, 1]
 * @param rng default the generator that `manualSeed` sets
 * @gradient exact for the mask that was drawn
 * @throws ArgumentError on a probability outside [0, 1]
 */
export function dropout(x: Tensor, p: number, rng: Rng = defaultRng()): Tensor {
  return apply(dropoutOp, [x], { p, rng });
}
