/** @file The step of a staircase from observed pre-activations: largest value, percentile, or least squares. */

import { type Rounding, staircaseCode } from "../codes/staircase.js";
import { check, describe, integer, oneOf, refuse } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { kindOf } from "../core/typed-arrays.js";
import type { NDArray } from "../ndarray/ndarray.js";

const { fround } = Math;

/** How α follows from what was observed: L·α = the largest value, a percentile, or the α of least squared error. */
export type CalibrationMethod = "mse" | "max" | "percentile";

/** The staircase that a step is searched for. */
export interface StepSearch {
  readonly method: CalibrationMethod;
  /** For "percentile": share in percent of the positive values that stay below L·α, in (0, 100]. */
  readonly percentile: number;
  readonly top: number;
  readonly rounding: Rounding;
}

/** @throws ArgumentError on an unknown method or a percentile outside (0, 100] */
export function checkSearch(method: CalibrationMethod, percentile: number): void {
  if (method !== "mse" && method !== "max" && method !== "percentile") {
    throw new ArgumentError({
      op: "calibrate",
      what: "unknown method",
      expected: "mse, max or percentile",
      got: describe(method),
    });
  }
  if (!(percentile > 0 && percentile <= 100)) {
    throw new ArgumentError({
      op: "calibrate",
      what: "bad percentile",
      expected: "a number in (0, 100]",
      got: `${percentile}`,
    });
  }
}

/** Positive pre-activations of one staircase: the largest of all, and a random sample. */
export class Observations {
  readonly #rng = new Rng("calibrate");
  readonly #perBatch: number;
  #values: number[] = [];
  #largest = 0;

  /** @param perBatch values that are drawn from each batch at most */
  constructor(perBatch: number) {
    this.#perBatch = perBatch;
  }
  /** Takes in the pre-activations of one forward pass; what is not finite is left out. */
  add(x: NDArray): void {
    const values = x.view();
    for (const value of values) if (value > this.#largest && value < Number.POSITIVE_INFINITY) this.#largest = value;
    const all = values.length <= this.#perBatch;
    const draws = all ? values.length : this.#perBatch;
    for (let i = 0; i < draws; i++) {
      const value = values[all ? i : this.#rng.int(values.length)];
      if (value > 0 && value < Number.POSITIVE_INFINITY) this.#values.push(value);
    }
  }
  /** The step that the observations ask for; null if none was positive. */
  step(search: StepSearch): number | null {
    if (this.#largest === 0 || this.#values.length === 0) return null;
    if (search.method === "max") return this.#largest / search.top;
    const values = Float32Array.from(this.#values);
    if (search.method === "percentile") return quantile(values, search.percentile / 100) / search.top;
    return leastSquaresStep(values, search.top, search.rounding);
  }
}

/** The smallest value that at least a share `p` of the values do not exceed. */
function quantile(values: Float32Array, p: number): number {
  const sorted = values.slice().sort();
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
}

/** Σ (σ(x, α) − x)² over the values, with the staircase's own f32 operations. */
function staircaseError(values: Float32Array, alpha: number, top: number, rounding: Rounding): number {
  const step = fround(alpha);
  let sum = 0;
  for (const x of values) {
    const rest = fround(step * staircaseCode(x, step, top, rounding)) - x;
    sum += rest * rest;
  }
  return sum;
}

/** Ratio of neighbours in the first, coarse search, and how many there are: from max/L down to a thousandth of it. */
const RATIO = 0.9;
const POINTS = 66;
const REFINEMENTS = 20;

/**
 * The step of least squared error on positive values: the best of a geometric grid, refined by golden-section search
 * around it.
 */
export function leastSquaresStep(values: Float32Array, top: number, rounding: Rounding): number {
  const op = "leastSquaresStep";
  if (kindOf(values) !== "Float32Array") refuse(op, "values", "a Float32Array", values);
  check(op, "top", top, integer(1, 255));
  check(op, "rounding", rounding, oneOf("ceil", "nearest"));
  const error = (alpha: number): number => staircaseError(values, alpha, top, rounding);
  let largest = 0;
  for (const value of values) largest = Math.max(largest, value);
  let best = { alpha: largest / top, error: error(largest / top) };
  for (let i = 1, alpha = best.alpha * RATIO; i < POINTS; i++, alpha *= RATIO) {
    const here = error(alpha);
    if (here < best.error) best = { alpha, error: here };
  }
  const golden = (Math.sqrt(5) - 1) / 2;
  let [lo, hi] = [best.alpha * RATIO, best.alpha / RATIO];
  for (let i = 0; i < REFINEMENTS; i++) {
    const [left, right] = [hi - golden * (hi - lo), lo + golden * (hi - lo)];
    if (error(left) < error(right)) hi = right;
    else lo = left;
  }
  const refined = (lo + hi) / 2;
  // On few values the error is not unimodal between grid points: never worse than the grid.
  return error(refined) < best.error ? refined : best.alpha;
}
