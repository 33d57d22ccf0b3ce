/** @file 1-bit weights: signs, scaled by the mean or the median magnitude. */
import { anything, checkOptions, describe } from "../../core/checks.js";
import { ArgumentError } from "../../core/errors.js";
import { medianMagnitude } from "./magnitudes.js";
import { type Projection, rowKernels, rowProjection, type WeightRow } from "./projection.js";

const { fround } = Math;

/** Scale of {@link binary}. */
export type BinaryScale = "mean" | "median";

/**
 * 1-bit weights: q = sign(w), δ = mean |w|, the exact Euclidean projection onto δ·{−1, +1}ⁿ; or δ = median |w|, the
 * projection in the sum of absolute differences.
 *
 * Level set {−1, +1}; sign(0) = +1 (and sign(−0) = +1). δ: sum in f64, rounded to f32 once; the median of an even
 * number is the mean of the two middle ones. All-zero weights: codes +1, δ = 0.
 *
 * @param options `scale`: "mean" (default) or "median"
 * @throws ArgumentError on another scale
 * @see BCGD §2 (binary-projection, binary-median)
 */
export function binary(options: { scale?: BinaryScale } = {}): Projection {
  checkOptions("binary", options, { scale: anything });
  const { scale = "mean" } = options;
  if (scale !== "mean" && scale !== "median") {
    throw new ArgumentError({ op: "binary", what: "unknown scale", expected: "mean or median", got: describe(scale) });
  }
  const deltaOf = scale === "mean" ? meanMagnitude : median;
  return rowProjection({ name: "binary", bits: 1, scale }, (row) => {
    rowKernels().f32_sign_codes(row.weights, row.codes, row.length);
    return row.length === 0 ? 0 : deltaOf(row);
  });
}

function meanMagnitude({ weights, length }: WeightRow): number {
  return fround(rowKernels().f32_abs_sum(weights, length) / length);
}

function median({ weights, length }: WeightRow): number {
  return medianMagnitude(weights, length);
}
