/** @file Batch normalization over the last axis (channels). */

import { atLeast, check, checkOptions, instanceOf } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import { expectShape, floatTypeOf } from "../ndarray/checks.js";
import { add, div, mul, scalarLike, scaleShift, sub, unary } from "../ndarray/elementwise.js";
import { NDArray } from "../ndarray/ndarray.js";
import {
  affine,
  channelStatistics,
  normalized,
  normalizedBackward,
  normalizerGradients,
} from "../ndarray/normalize.js";
import type { OpDef } from "./op.js";

/** @throws ShapeError, DTypeError */
function checkNorm(inputs: readonly NDArray[], eps: number): void {
  floatTypeOf("batchNorm", ...inputs);
  check("batchNorm", "eps", eps, atLeast(0));
  const [x, ...vectors] = inputs;
  const channels = x.shape[x.rank - 1];
  if (channels === 0) {
    throw new ShapeError({ op: "batchNorm", what: "no channels", expected: "at least one", got: shapeText(x.shape) });
  }
  for (const vector of vectors) {
    if (x.rank < 2 || vector.rank !== 1 || vector.shape[0] !== channels) {
      throw new ShapeError({
        op: "batchNorm",
        what: "channel mismatch",
        expected: `vectors [${channels ?? "C"}] for input ${shapeText(x.shape)}`,
        got: shapeText(vector.shape),
        hint: "channels are the last axis",
      });
    }
  }
}

/** @throws ArgumentError, DTypeError, ShapeError unless both are vectors that the channels of x fill */
function checkStatistics(statistics: NonNullable<BatchNormTrainAttrs["statistics"]>, x: NDArray): void {
  checkOptions("batchNorm", statistics, STATISTICS, ["mean", "variance"]);
  for (const name of ["mean", "variance"] as const) {
    floatTypeOf("batchNorm", x, statistics[name]);
    expectShape("batchNorm", name, statistics[name], x.shape.slice(-1));
  }
}
const VECTOR = instanceOf(NDArray, "an NDArray");
const STATISTICS = { mean: VECTOR, variance: VECTOR };

/** 1/√(variance + eps), each step rounded: add, root, divide. */
function invStdOf(variance: NDArray, eps: number): NDArray {
  return div(scalarLike(variance, 1), unary("f32_sqrt", add(variance, scalarLike(variance, eps))));
}

/** Mean, biased variance and 1/√(variance + eps) of each channel over the batch, [C]. */
export function batchStatistics(
  x: NDArray,
  channels: number,
  eps: number,
): { mean: NDArray; variance: NDArray; invStd: NDArray } {
  const { mean, variance } = channelStatistics(x, channels);
  return { mean, variance, invStd: invStdOf(variance, eps) };
}

/** What the gradient of a normalization needs. */
export interface NormState {
  x: NDArray | null;
  mean: NDArray;
  invStd: NDArray;
  gamma: NDArray;
}

/** Attributes of {@link batchNormTrain}. */
export interface BatchNormTrainAttrs {
  /** Added to the variance. */
  readonly eps: number;
  /** Vectors of the channels' length that forward fills with the batch's mean and biased variance. */
  readonly statistics?: { readonly mean: NDArray; readonly variance: NDArray };
}

/**
 * y = (x − mean)·invStd·γ + β with the batch's own mean and biased variance. Inputs: x [..., C], γ [C], β [C].
 */
export const batchNormTrain: OpDef<BatchNormTrainAttrs, NormState> = {
  name: "batchNormTrain",
  shape: (inputs, { eps, statistics }) => {
    checkNorm(inputs, eps);
    const [x] = inputs;
    if (statistics !== undefined) checkStatistics(statistics, x);
    if (x.size / x.shape[x.rank - 1] < 2) {
      throw new ShapeError({
        op: "batchNorm",
        what: "one value per channel in training",
        expected: "at least two",
        got: shapeText(x.shape),
        hint: "use a larger batch, or eval()",
      });
    }
    return x.shape;
  },
  forward: ([x, gamma, beta], { eps, statistics }) => {
    const { mean, variance, invStd } = batchStatistics(x, gamma.size, eps);
    const y = normalized(x, { mean, invStd, gamma, beta });
    statistics?.mean.assign(mean);
    statistics?.variance.assign(variance);
    return { y, saved: { x, mean, invStd, gamma } };
  },
  backward: (dy, { x, mean, invStd, gamma }, _attrs, { needs }) => {
    const input = x as NDArray;
    const sums = normalizerGradients(dy, input, { mean, invStd });
    const { dgamma, dbeta } = sums;
    if (!needs[0]) return [null, needs[1] ? dgamma : null, needs[2] ? dbeta : null];
    const dx = NDArray.empty(dy.shape, dy.dtype);
    normalizedBackward(input, dy, dx, { mean, invStd, gamma }, sums);
    return [dx, needs[1] ? dgamma : null, needs[2] ? dbeta : null];
  },
};

/**
 * Batch normalization with fixed statistics as one multiplication and one addition per element. In f32, each line
 * rounded once: invStd = 1/√(variance + eps), scale = γ·invStd, shift = β − mean·scale. The packed runtime repeats
 * exactly this.
 *
 * @returns scale and shift, [C]
 */
export function foldBatchNorm(
  gamma: NDArray,
  beta: NDArray,
  mean: NDArray,
  variance: NDArray,
  eps: number,
): { scale: NDArray; shift: NDArray; invStd: NDArray } {
  const invStd = invStdOf(variance, eps);
  const scale = mul(gamma, invStd);
  return { scale, shift: sub(beta, mul(mean, scale)), invStd };
}

/** y = x·scale + shift of {@link foldBatchNorm}, two roundings. Inputs: x [..., C], γ, β, mean, variance [C]. */
export const batchNormEval: OpDef<
  { readonly eps: number },
  { [Name in keyof NormState]: NDArray | null } & { scale: NDArray }
> = {
  name: "batchNormEval",
  shape: (inputs, { eps }) => {
    checkNorm(inputs, eps);
    return inputs[0].shape;
  },
  forward: ([x, gamma, beta, mean, variance], { eps }, { needs }) => {
    const { scale, shift, invStd } = foldBatchNorm(gamma, beta, mean, variance, eps);
    const y = affine(x, scale, shift);
    const reduced = needs[1] || needs[2] || needs[3] || needs[4];
    // What backward will not read stays free to change.
    const state = reduced ? { x, mean, invStd, gamma } : { x: null, mean: null, invStd: null, gamma: null };
    return { y, saved: { ...state, scale } };
  },
  backward: (dy, { x, mean, invStd, gamma, scale }, _attrs, { needs }) => {
    const dx = needs[0] ? mul(dy, scale) : null;
    if (x === null || mean === null || invStd === null || gamma === null) return [dx, null, null, null, null];
    const { dgamma, dbeta } = normalizerGradients(dy, x, { mean, invStd });
    return [
      dx,
      needs[1] ? dgamma : null,
      needs[2] ? dbeta : null,
      needs[3] ? unary("f32_neg", mul(scale, dbeta)) : null,
      // d/dvariance of invStd is −½·invStd³.
      needs[4] ? scaleShift(mul(mul(mul(gamma, invStd), invStd), dgamma), -0.5) : null,
    ];
  },
};
