/** @file What tables over seeds need: mean, spread, and the paired and Welch's t-test with exact p-values. */
import { exp, log, log1p } from "../core/math.js";

/** Mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation (n − 1); NaN for fewer than two values. */
export function deviation(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) * (value - centre), 0) / (values.length - 1));
}

/** "89.12 ± 0.14 (n = 3)", or the value alone. */
export function spread(values: readonly number[], digits = 2): string {
  if (values.length === 0) return "–";
  const centre = mean(values).toFixed(digits);
  return values.length === 1 ? centre : `${centre} ± ${deviation(values).toFixed(digits)} (n = ${values.length})`;
}

/** Coefficients of Lanczos' approximation with g = 7, n = 9. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x ≥ ½. */
function logGamma(x: number): number {
  const shifted = x - 1;
  const series = LANCZOS.slice(1).reduce((sum, c, i) => sum + c / (shifted + i + 1), LANCZOS[0]);
  const t = shifted + 7.5;
  return 0.5 * log(2 * Math.PI) + (shifted + 0.5) * log(t) - t + log(series);
}

/**
 * Regularized incomplete beta function I_x(a, b), by its continued fraction (modified Lentz).
 *
 * @param x in [0, 1]
 * @param a at least ½
 * @param b at least ½
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side of the mean; the other side follows by symmetry.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x)) / a;
  const tiny = 1e-300;
  const safe = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * fraction;
}

/**
 * Two-sided p-value of Student's t: P(|T| ≥ |t|) = I_{ν/(ν+t²)}(ν/2, ½).
 *
 * @param freedom ν ≥ 1
 */
export function studentP(t: number, freedom: number): number {
  if (Number.isNaN(t) || !(freedom > 0)) return Number.NaN;
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/**
 * The t whose two-sided p-value is p, by bisection.
 *
 * @param p in (0, 1)
 * @param freedom ν ≥ 1
 */
export function studentT(p: number, freedom: number): number {
  if (!(p > 0 && p < 1 && freedom > 0)) return Number.NaN;
  let [low, high] = [0, 1];
  while (studentP(high, freedom) > p) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentP(middle, freedom) > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** A test of equal means. */
export interface Comparison {
  /** Of the means, first − second. */
  readonly difference: number;
  /** Half of the difference's 95 % confidence interval; NaN where nothing varies. */
  readonly margin: number;
  readonly t: number;
  readonly freedom: number;
  /** Two-sided; NaN where nothing varies. */
  readonly p: number;
}

/** Welch's test, variances not assumed equal. @param first at least two values @param second the same */
export function welch(first: readonly number[], second: readonly number[]): Comparison {
  const [one, two] = [first, second].map((values) => {
    const own = deviation(values);
    return (own * own) / values.length;
  });
  const difference = mean(first) - mean(second);
  const variance = one + two;
  const freedom = (variance * variance) / ((one * one) / (first.length - 1) + (two * two) / (second.length - 1));
  return comparison(difference, Math.sqrt(variance), freedom);
}

/** Paired test: values with the same position belong together (the same seed). @param second as many, at least two */
export function paired(first: readonly number[], second: readonly number[]): Comparison {
  const differences = first.map((value, i) => value - second[i]);
  const error = deviation(differences) / Math.sqrt(differences.length);
  return comparison(mean(differences), error, differences.length - 1);
}

/** @param error standard error of the difference */
function comparison(difference: number, error: number, freedom: number): Comparison {
  const t = difference / error;
  if (error === 0) return { difference, margin: Number.NaN, t, freedom, p: Number.NaN };
  return { difference, margin: studentT(0.05, freedom) * error, t, freedom, p: studentP(t, freedom) };
}
