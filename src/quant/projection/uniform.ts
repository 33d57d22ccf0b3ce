/** @file Weights of 3 to 8 bits on an even grid: Lloyd's alternation, and the authors' single step of it. */
import { checkBits } from "../../codes/levels.js";
import { anything, checkOptions, numeric, type OptionRules, text } from "../../core/checks.js";
import { ArgumentError } from "../../core/errors.js";
import { heap } from "../../kernels/engine.js";
import { halfGaussianStep } from "../half-gaussian.js";
import { type Projection, refit, rowKernels, rowProjection, topOfBits, type WeightRow, zeroRow } from "./projection.js";

const { fround } = Math;

/** Options of {@link uniform}. */
export interface UniformOptions {
  /** 3…8. */
  bits: number;
  /** Most fits of δ, ≥ 1; Infinity runs until the codes stop changing. Default 16. */
  iterations?: number;
  /**
   * First δ: "max" (default, the paper's 2‖w‖∞/(2^b − 1)), or "rms" (the best step for Gaussian weights of the same
   * mean square), from which bell-shaped weights need two or three fits instead of dozens.
   */
  start?: "max" | "rms";
  /** Stop when δ changes by at most this share. Default 0: only when the codes stop changing. */
  tolerance?: number;
}

const UNIFORM_RULES: OptionRules<UniformOptions> = {
  bits: anything,
  iterations: numeric,
  start: text,
  tolerance: numeric,
};

/**
 * Weights of 3 to 8 bits by Lloyd's alternation: q = clip(round(w/δ)), δ = ⟨q,w⟩/⟨q,q⟩, from δ = 2‖w‖∞/(2^b − 1), until
 * q stops changing or for `iterations` fits of δ. ‖δq − w‖² never rises, but for the last bits that rounding δ to f32
 * costs.
 *
 * Level set {−top, …, top}, top = 2^(b−1) − 1 (±127 for 8 bits). Rounding half away from zero of the f32 quotient, by
 * true division; saturating. δ: sums in f64, rounded to f32 once. All-zero weights: codes 0, δ = 0. A local optimum:
 * exact projection in the sense that no other codes are better for its δ and no other δ for its codes, once it has
 * converged.
 *
 * @param options `bits` 3…8, `iterations` 16, `start` "max", `tolerance` 0
 * @throws ArgumentError on options out of range
 * @see BCGD §2 (uniform-projection)
 */
export function uniform(options: UniformOptions): Projection {
  checkOptions<UniformOptions>("uniform", options, UNIFORM_RULES, ["bits"]);
  const { bits, iterations = 16, start = "max", tolerance = 0 } = options;
  checkBits("uniform", bits, 3);
  const whole = Number.isInteger(iterations) || iterations === Number.POSITIVE_INFINITY;
  const known = start === "max" || start === "rms";
  if (!whole || iterations < 1 || !(tolerance >= 0 && tolerance < 1) || !known) {
    throw new ArgumentError({
      op: "uniform",
      what: "bad options",
      expected: "iterations ≥ 1 (an integer or Infinity), start max or rms, tolerance in [0, 1)",
      got: `${iterations}, ${start}, ${tolerance}`,
    });
  }
  const top = topOfBits(bits);
  // JSON has no Infinity.
  const told = iterations === Number.POSITIVE_INFINITY ? "until converged" : iterations;
  // Magnitudes have `top` levels, as a staircase of bits − 1 bits has.
  const gaussian = halfGaussianStep(bits - 1, "nearest");
  const first = (row: WeightRow): number =>
    start === "max"
      ? (2 * rowKernels().f32_abs_max(row.weights, row.length)) / (2 ** bits - 1)
      : gaussian * Math.sqrt(rowKernels().f32_sum_squares(row.weights, row.length) / Math.max(1, row.length));
  return rowProjection({ name: "uniform", bits, iterations: told, start, tolerance }, (row) => {
    const kernels = rowKernels();
    let delta = fround(first(row));
    // Also where it is below the smallest f32 number.
    if (delta === 0) return zeroRow(row);
    kernels.f32_uniform_codes(row.weights, row.codes, row.length, delta, top);
    for (let fits = 1; ; fits++) {
      const before = delta;
      delta = refit(row);
      if (fits >= iterations || Math.abs(delta - before) <= tolerance * before) return delta;
      if (kernels.f32_uniform_codes(row.weights, row.codes, row.length, delta, top) === 0) return delta;
    }
  });
}

/**
 * The authors' single step: δ₀ = ‖w‖∞/(2^b − 1), code = number of thresholds δ₀, 3δ₀, 5δ₀, … below |w|, with w's sign;
 * then δ = ⟨q,w⟩/⟨q,q⟩ once.
 *
 * Level set {−top, …, top}, top = 2^(b−1) − 1. A magnitude equal to a threshold stays below it (half towards zero); the
 * comparison is exact:
 * |w|·(2^b − 1) > (2j − 1)·‖w‖∞ in f64. δ: sums in f64, rounded to f32 once. All-zero weights: codes 0, δ = 0.
 *
 * @param options `bits` 3…8, default 4 as in the authors' code
 * @throws ArgumentError on other bits
 * @see BCGD §2 (one-shot)
 */
export function oneShot(options: { bits?: number } = {}): Projection {
  checkOptions("oneShot", options, { bits: anything });
  const { bits = 4 } = options;
  checkBits("oneShot", bits, 3);
  const top = topOfBits(bits);
  return rowProjection({ name: "one-shot", bits }, (row) => {
    const largest = rowKernels().f32_abs_max(row.weights, row.length);
    if (largest === 0) return zeroRow(row);
    countThresholds(row, largest, 2 ** bits - 1, top);
    return refit(row);
  });
}

function countThresholds({ weights, codes, length }: WeightRow, largest: number, levels: number, top: number): void {
  const values = heap().f32(weights, length);
  const out = heap().i8(codes, length);
  for (let i = 0; i < length; i++) {
    // 32 significant bits over 24: a quotient that is not an odd number is never rounded to one.
    const code = Math.max(0, Math.ceil(((Math.abs(values[i]) * levels) / largest - 1) / 2));
    out[i] = Math.sign(values[i]) * Math.min(code, top);
  }
}
