/** @file The logistic function with all that f64 can hold. */
import { exp } from "../../core/math.js";

/** Logistic function 1/(1 + e^−x), without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}
