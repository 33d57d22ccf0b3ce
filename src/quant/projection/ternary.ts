/**
 * @file 2-bit weights: the exact projection onto {−1, 0, +1}, and the threshold heuristic of ternary weight networks.
 */
import { anything, checkOptions, describe, numeric } from "../../core/checks.js";
import { ArgumentError } from "../../core/errors.js";
import { bucketEdge, gather, magnitudeTable, SORT_LIMIT, sortedMagnitudes } from "./magnitudes.js";
import { type Projection, refit, rowKernels, rowProjection, type WeightRow, zeroRow } from "./projection.js";

const { fround } = Math;

/** The best number of kept weights found so far: the largest S²/t, S the sum of the t largest magnitudes. */
interface Best {
  score: number;
  /** Smallest magnitude that is kept. */
  least: number;
}

/**
 * Extends a prefix of `count` magnitudes with the given sum by ascending `values` from their end; keeps the best score.
 */
function scan(best: Best, values: Float32Array, prefix: { count: number; sum: number }): void {
  let { count, sum } = prefix;
  for (let i = values.length - 1; i >= 0; i--) {
    count++;
    sum += values[i];
    // S²/t is convex along equal magnitudes: the optimum never splits them.
    if (i > 0 && values[i - 1] === values[i]) continue;
    const score = (sum * sum) / count;
    if (score > best.score) {
      best.score = score;
      best.least = values[i];
    }
  }
}

/**
 * The smallest magnitude that the exact projection keeps, 0 if all are zero. Linear time: buckets whose bound on S²/t
 * cannot reach the best value at any bucket's end are never sorted.
 */
function leastKept({ weights, length }: WeightRow): number {
  const best: Best = { score: 0, least: 0 };
  if (length <= SORT_LIMIT) {
    scan(best, sortedMagnitudes(weights, length), { count: 0, sum: 0 });
    return best.least;
  }
  const { counts, sums } = magnitudeTable(weights, length);
  let most = 0;
  let prefix = { count: 0, sum: 0 };
  const used: { bucket: number; prefix: typeof prefix; bound: number }[] = [];
  for (let bucket = counts.length - 1; bucket >= 0; bucket--) {
    if (counts[bucket] === 0) continue;
    const after = { count: prefix.count + counts[bucket], sum: prefix.sum + sums[bucket] };
    const largest = prefix.sum + counts[bucket] * bucketEdge(bucket);
    used.push({ bucket, prefix, bound: (largest * largest) / after.count });
    most = Math.max(most, (after.sum * after.sum) / after.count);
    prefix = after;
  }
  // S²/t ≤ (S₀ + m·edge)²/(t₀ + m) within a bucket, convex in m: its ends bound it. The slack covers rounding.
  const open = used.filter(({ bound }) => bound * (1 + 1e-9) >= most);
  const chosen = new Uint8Array(counts.length);
  for (const { bucket } of open) chosen[bucket] = 1;
  const values = gather(weights, length, chosen);
  let end = values.length;
  for (const { bucket, prefix: before } of open) {
    const start = end - counts[bucket];
    scan(best, values.subarray(start, end), before);
    end = start;
  }
  return best.least;
}

/** The f32 number just below a positive one: |x| > below(m) means |x| ≥ m. */
function below(value: number): number {
  const word = new Int32Array(Float32Array.of(value).buffer);
  word[0]--;
  return new Float32Array(word.buffer)[0];
}

/**
 * 2-bit weights, exact: with magnitudes in descending order, t* = argmax_t (Σ_{i≤t} |w|_(i))²/t; the t* largest keep
 * their signs, the rest is 0, δ is the mean of the kept magnitudes.
 *
 * Level set {−1, 0, +1}. Weights of equal magnitude are kept or dropped together; of equally good t the smallest is
 * taken. Sums in f64, δ rounded to f32 once. All-zero weights: codes 0, δ = 0. O(n).
 *
 * @see BCGD §2 (ternary-projection)
 */
export function ternary(): Projection {
  return rowProjection({ name: "ternary", bits: 2 }, (row) => {
    const least = leastKept(row);
    if (least === 0) return zeroRow(row);
    rowKernels().f32_ternary_codes(row.weights, row.codes, row.length, below(least));
    return refit(row);
  });
}

/** Options of {@link ternaryThreshold}. */
export interface TernaryThresholdOptions {
  /** Threshold as a multiple of mean |w|, > 0 and < 1. Default 0.7. */
  factor?: number;
  /**
   * δ is the mean magnitude of the kept weights ("kept", default), or their sum over the number of all ("all", as the
   * authors' code has it).
   */
  scale?: "kept" | "all";
}

/**
 * 2-bit weights by the rule of ternary weight networks: q = sign(w) where |w| > 0.7·mean |w|, else 0; δ = mean |w| of
 * those kept.
 *
 * Level set {−1, 0, +1}; the interval of zeros is closed. The threshold is rounded to f32 before it is compared.
 * All-zero weights: codes 0, δ = 0.
 *
 * @throws ArgumentError on a factor outside (0, 1) or an unknown scale
 * @see BCGD §2 (ternary-threshold)
 */
export function ternaryThreshold(options: TernaryThresholdOptions = {}): Projection {
  const op = "ternaryThreshold";
  checkOptions<TernaryThresholdOptions>(op, options, { factor: numeric, scale: anything });
  const { factor = 0.7, scale = "kept" } = options;
  if (!(factor > 0 && factor < 1)) {
    throw new ArgumentError({ op, what: "bad factor", expected: "a number in (0, 1)", got: `${factor}` });
  }
  if (scale !== "kept" && scale !== "all") {
    throw new ArgumentError({ op, what: "unknown scale", expected: "kept or all", got: describe(scale) });
  }
  return rowProjection({ name: "ternary-threshold", bits: 2, factor, scale }, (row) => {
    const kernels = rowKernels();
    const sum = kernels.f32_abs_sum(row.weights, row.length);
    if (sum === 0) return zeroRow(row);
    kernels.f32_ternary_codes(row.weights, row.codes, row.length, fround((factor * sum) / row.length));
    if (scale === "kept") return refit(row);
    return fround(kernels.i8_dot_f32(row.codes, row.weights, row.length) / row.length);
  });
}
