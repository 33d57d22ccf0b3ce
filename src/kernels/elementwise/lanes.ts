/**
 * @file exp, tanh and the logistic function as the WebAssembly kernels compute them, operation by operation: in f64, to
 * be rounded once to f32. core/math.ts has more exact ones, for f64 arrays.
 */
import { horner, powerOfTwo } from "../../core/double.js";
import { roundHalfEven } from "./rounding.js";

const LN2_HIGH = 0.6931471805598903;
const LN2_LOW = 5.4979230187083712e-14;
/** 1/n! from n = 0 to 11. */
const EXP = [1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800].map((factorial) => 1 / factorial);

/** e^x for f32 results: x beyond ±150 is taken as ±150. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  const c = x < -150 ? -150 : x > 150 ? 150 : x;
  const n = roundHalfEven(c * Math.LOG2E);
  const r = c - n * LN2_HIGH - n * LN2_LOW;
  return horner(r, EXP) * powerOfTwo(n);
}

/** tanh x. */
export function tanh(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 0.0009765625) return x * (1 - x * x * (1 / 3));
  const far = 1 - 2 / (exp(magnitude + magnitude) + 1);
  return x < 0 ? -far : far;
}

/** 1/(1 + e^−x). */
export function sigmoid(x: number): number {
  return 1 / (1 + exp(-x));
}

/** e^x − 1: near 0, where the difference cancels, four terms of its series, exact to x⁵/120. */
export function expm1(x: number): number {
  if (Math.abs(x) < 0.0009765625) return (((x * (1 / 24) + 1 / 6) * x + 0.5) * x + 1) * x;
  return exp(x) - 1;
}

/**
 * √(2)-scaled tail of the normal distribution: e^(z²)·erfc z = t·Σ TAIL[n]·t^n with t = 1/(1 + 0.3z), 0 ≤ z ≤ 13, to a
 * relative error of 8e-11. The polynomial was made for this library: the interpolation at the 13 Chebyshev nodes of
 * that range of t, of values computed with 40 digits.
 */
const TAIL = [
  0.16925399247869277, 0.1693407026902712, 0.16054585117978684, 0.1548988575979331, 0.08092776403748286,
  0.2551203621167326, -0.33429578709122076, 0.7978545517110062, -0.986222324342982, 0.9416375203415177,
  -0.5659360516911688, 0.1804783956432268, -0.023603834668504645,
];

/** Φ(x) of the normal distribution, ½·erfc(−x/√2), with a relative error of 1e-10 on both sides. */
export function normal(x: number): number {
  const t = 1 / (Math.abs(x) * Math.SQRT1_2 * 0.3 + 1);
  const low = 0.5 * t * horner(t, TAIL) * exp(-0.5 * (x * x));
  return x < 0 ? low : 1 - low;
}
