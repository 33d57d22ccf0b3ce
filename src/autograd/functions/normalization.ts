/** @file Normalization and dropout. */
import { anything, atLeast, checkOptions, integer, record, refuse } from "../../core/checks.js";
import type { Rng } from "../../core/rng.js";
import { dropout as dropoutOp } from "../../ops/dropout.js";
import { layerNorm as layerNormOp } from "../../ops/layer-norm.js";
import { type BatchNormTrainAttrs, batchNormEval, batchNormTrain } from "../../ops/norm.js";
import { batchNormRelu as batchNormReluOp } from "../../ops/norm-activation.js";
import { expectTensor } from "../graph.js";
import { defaultRng } from "../random.js";
import { apply, type Tensor } from "../tensor.js";

const BATCH_NORM_OPTIONS = { eps: atLeast(0), fixed: record, statistics: record };
const BATCH_NORM_RELU_OPTIONS = { eps: atLeast(0), statistics: record, shortcut: anything };

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
 * With fixed statistics, y = f32(x·scale) + shift with scale = γ·invStd, shift = β − mean·scale, invStd = 1/√(variance
 * + eps), each operation rounded once.
 * @param x [..., C]
 * @param gamma [C]
 * @param beta [C]
 * @returns the shape of x
 * @gradient exact for x, γ, β (and for fixed statistics that want one)
 * @throws ShapeError if channels do not match, or without fixed statistics for fewer than two rows; DTypeError on mixed
 * types
 */
export function batchNorm(x: Tensor, gamma: Tensor, beta: Tensor, options: BatchNormOptions = {}): Tensor {
  checkOptions("batchNorm", options, BATCH_NORM_OPTIONS);
  const { eps = 1e-5, fixed, statistics } = options;
  if (fixed !== undefined && statistics !== undefined)
    refuse("batchNorm", "statistics", "none beside fixed ones", statistics);
  if (fixed === undefined) return apply(batchNormTrain, [x, gamma, beta], { eps, statistics });
  return apply(batchNormEval, [x, gamma, beta, fixed.mean, fixed.variance], { eps });
}

/**
 * relu(batchNorm(x) + shortcut) with the batch's own statistics, in fewer passes over memory; the same bits.
 * @param x [..., C]
 * @param gamma [C]
 * @param beta [C]
 * @param options as of {@link batchNorm}, without `fixed`; `shortcut` has the shape of x
 * @returns the shape of x
 * @gradient exact (0 where the sum is 0)
 * @throws as {@link batchNorm}
 */
export function batchNormRelu(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  options: Omit<BatchNormOptions, "fixed"> & { shortcut?: Tensor | null } = {},
): Tensor {
  checkOptions("batchNormRelu", options, BATCH_NORM_RELU_OPTIONS);
  const { eps = 1e-5, statistics, shortcut } = options;
  const inputs = shortcut === undefined || shortcut === null ? [x, gamma, beta] : [x, gamma, beta, shortcut];
  return apply(batchNormReluOp, inputs, { eps, statistics });
}

const LAYER_NORM_OPTIONS = { axes: integer(1), eps: atLeast(0) };

/**
 * Layer normalization over the last axes, y = (x − mean)/√(variance + eps)·γ + β with the mean and the biased variance
 * of each; one rounding an operation, from left to right.
 * @param x [..., S]
 * @param gamma S, or none
 * @param beta S, or none; only with γ
 * @param options `axes` (default those of γ, else 1): how many of the last axes S are; `eps` 1e-5
 * @returns the shape of x
 * @gradient exact
 * @throws ShapeError if extents do not match; DTypeError unless all are of one real type; ArgumentError on bad options
 * @see Ba, Kiros and Hinton 2016
 */
export function layerNorm(
  x: Tensor,
  gamma?: Tensor | null,
  beta?: Tensor | null,
  options: { axes?: number; eps?: number } = {},
): Tensor {
  checkOptions("layerNorm", options, LAYER_NORM_OPTIONS);
  const scaled = gamma !== undefined && gamma !== null;
  const shifted = beta !== undefined && beta !== null;
  if (scaled) expectTensor("layerNorm", gamma);
  if (shifted && !scaled) refuse("layerNorm", "beta", "none without gamma", "one");
  const { axes = scaled ? Math.max(1, gamma.rank) : 1, eps = 1e-5 } = options;
  return apply(layerNormOp, [x, ...(scaled ? [gamma] : []), ...(shifted ? [beta] : [])], { axes, eps });
}

/**
 * Dropout: zeroes each element with probability p and multiplies the rest by 1/(1 − p). For training; in evaluation
 * leave it out.
 * @param p in [0, 1]
 * @param rng default the generator that `manualSeed` sets
 * @gradient exact for the mask that was drawn
 * @throws ArgumentError on a probability outside [0, 1]
 */
export function dropout(x: Tensor, p: number, rng: Rng = defaultRng()): Tensor {
  return apply(dropoutOp, [x], { p, rng });
}
