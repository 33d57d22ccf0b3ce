/** @file The standard normal density and distribution function. */
import { check, numeric } from "../core/checks.js";
import { erf, erfc, exp } from "../core/math.js";

/** √(2π). */
export const SQRT_TWO_PI = 2.5066282746310002;

/** Density φ(x) = e^(−x²/2)/√(2π). */
export function normalDensity(x: number): number {
  if (typeof x !== "number") check("normalDensity", "x", x, numeric);
  return exp(-0.5 * x * x) / SQRT_TWO_PI;
}

/** Distribution function Φ(x) = P(N(0,1) ≤ x), with full relative accuracy in the left tail. */
export function normalDistribution(x: number): number {
  if (typeof x !== "number") check("normalDistribution", "x", x, numeric);
  const z = x * Math.SQRT1_2;
  // Near 0 the series of erf takes 25 terms where erfc's continued fraction takes a thousand, and nothing cancels.
  return Math.abs(z) < 1 ? 0.5 + 0.5 * erf(z) : 0.5 * erfc(-z);
}
