/** @file Figures of the numbers in an array: range, moments, norm, and what is not finite. */
import { type Numbers, realNumbers } from "./numbers.js";

/** Of the finite numbers among `count`; NaN where there are none. */
export interface ArrayStatistics {
  /** Numbers in all. */
  readonly count: number;
  /** Smallest value. */
  readonly min: number;
  /** Largest value. */
  readonly max: number;
  /** Σx / n. */
  readonly mean: number;
  /** Standard deviation of the population, √(Σ(x − mean)² / n). */
  readonly std: number;
  /** Euclidean norm √Σx²; 0 where there are none. */
  readonly norm: number;
  /** How many are 0. */
  readonly zeros: number;
  /** How many are NaN or infinite. */
  readonly nonFinite: number;
}

/**
 * Range, mean, standard deviation and norm of numbers, summed in f64 in their order.
 *
 * @param x a tensor (of codes: the real values), an array, or a list of numbers
 * @throws ArgumentError on what holds no numbers; DisposedError
 * @example
 * const { min, max, norm } = statistics(net.get("conv1").weight);
 */
export function statistics(x: Numbers): ArrayStatistics {
  return statisticsOf(realNumbers("statistics", "x", x));
}

/** {@link statistics} of f64 numbers. */
export function statisticsOf(values: Float64Array): ArrayStatistics {
  let [min, max, sum, squares, zeros, finite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    finite++;
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros++;
    sum += value;
    squares += value * value;
  }
  const count = values.length;
  const nonFinite = count - finite;
  if (finite === 0) {
    const [min, max, mean, std] = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];
    return { count, min, max, mean, std, norm: 0, zeros, nonFinite };
  }
  const mean = sum / finite;
  let deviations = 0;
  for (const value of values) if (Number.isFinite(value)) deviations += (value - mean) * (value - mean);
  return { count, min, max, mean, std: Math.sqrt(deviations / finite), norm: Math.sqrt(squares), zeros, nonFinite };
}
