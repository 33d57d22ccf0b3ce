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
