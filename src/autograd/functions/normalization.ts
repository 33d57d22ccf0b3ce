/** @file Normalization and dropout. */
import { anything, atLeast, checkOptions, record, refuse } from "../../core/checks.js";
import type { Rng } from "../../core/rng.js";
import { dropout as dropoutOp } from "../../ops/dropout.js";
import { type BatchNormTrainAttrs, batchNormEval, batchNormTrain } from "../../ops/norm.js";
import { batchNormRelu as batchNormReluOp } from "../../ops/norm-activation.js";
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
