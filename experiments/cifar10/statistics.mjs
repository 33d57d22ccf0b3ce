/** @file The statistics that the tables need: mean, spread, and Welch's and the paired t-test with exact p-values. */

/** @param {readonly number[]} values */
export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation (n − 1); NaN for fewer than two values. @param {readonly number[]} values */
export function deviation(values) {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** Coefficients of Lanczos' approximation with g = 7, n = 9. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0. @param {number} x */
function logGamma(x) {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const series = LANCZOS.slice(1).reduce((sum, c, i) => sum + c / (shifted + i + 1), LANCZOS[0]);
  const t = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(series);
}

/**
 * Regularized incomplete beta function I_x(a, b), by its continued fraction (modified Lentz).
 *
 * @param {number} x in [0, 1]
 * @param {number} a positive
 * @param {number} b positive
 * @returns {number}
 */
export function incompleteBeta(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast on this side of the mean; the other side follows by symmetry.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const tiny = 1e-300;
  const safe = (value) => (Math.abs(value) < tiny ? tiny : value);
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
 * @param {number} t
 * @param {number} freedom ν > 0
 */
export function studentP(t, freedom) {
  if (Number.isNaN(t) || !(freedom > 0)) return Number.NaN;
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/**
 * Welch's test of equal means, variances not assumed equal.
 *
 * @param {readonly number[]} first at least two values
 * @param {readonly number[]} second at least two values
 * @returns {{ difference: number, t: number, freedom: number, p: number }} difference of the means, first − second
 */
export function welch(first, second) {
  const parts = [first, second].map((values) => deviation(values) ** 2 / values.length);
  const difference = mean(first) - mean(second);
  const variance = parts[0] + parts[1];
  const t = difference / Math.sqrt(variance);
  const freedom = variance ** 2 / (parts[0] ** 2 / (first.length - 1) + parts[1] ** 2 / (second.length - 1));
  return { difference, t, freedom, p: studentP(t, freedom) };
}

/**
 * Paired t-test: values with the same position belong together (the same seed).
 *
 * @param {readonly number[]} first
 * @param {readonly number[]} second as many, at least two
 * @returns {{ difference: number, t: number, freedom: number, p: number }} mean of first − second
 */
export function paired(first, second) {
  const differences = first.map((value, i) => value - second[i]);
  const difference = mean(differences);
  const t = difference / (deviation(differences) / Math.sqrt(differences.length));
  const freedom = differences.length - 1;
  return { difference, t, freedom, p: studentP(t, freedom) };
}

/** "89.12 ± 0.14 (n = 3)", or the value alone. @param {readonly number[]} values @param {number} digits */
export function spread(values, digits = 2) {
  if (values.length === 0) return "–";
  const centre = mean(values).toFixed(digits);
  return values.length === 1 ? centre : `${centre} ± ${deviation(values).toFixed(digits)} (n = ${values.length})`;
}
