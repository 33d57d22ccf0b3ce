/** @file The BCGD iteration on least squares, and the sufficient descent that blending buys. */
import { above, check, checkOptions, numeric, real, record } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import type { Projection } from "../quant/projection/projection.js";
import { checkProblem, isotropic, type LeastSquares, leastSquaresGradient, leastSquaresLoss } from "./least-squares.js";
import { checkLengths, checkVector, dot, plus, projects, type Vector } from "./vector.js";

/** One step of the iteration, with what the descent inequality says about it. */
export interface BcgdStep {
  /** f(w) before and after. */
  readonly before: number;
  /** The loss after the step. */
  readonly after: number;
  /** ‖d‖², d = w⁺ − w: 0 if the quantized weights stayed. */
  readonly moved: number;
  /** Largest f(w⁺) that the inequality allows: f(w) − ½(ρ/η − L)‖d‖². */
  readonly bound: number;
  /** How far rounding of the latent weights and of δ to f32 may lift f(w⁺) above the bound. */
  readonly slack: number;
}

/** State of the iteration. */
export interface BcgdState {
  /** Latent weights w_f, f32 as in training. */
  readonly latent: Float32Array;
  /** Quantized weights w = proj(w_f) = δq. */
  readonly quantized: readonly number[];
}

/** Choices of {@link bcgdStep}. */
export interface BcgdOptions {
  /** Projection of the weights. */
  readonly projection: Projection;
  /** Blending ρ in [0, 1]. */
  readonly rho: number;
  /** Learning rate η > 0. */
  readonly lr: number;
}

/** The state of given latent weights. @throws QuantError on weights that are not finite */
export function bcgdState(latent: Vector | Float32Array, projection: Projection): BcgdState {
  if (kindOf(latent) !== "Float32Array") checkVector("bcgdState", "latent", latent as Vector);
  check("bcgdState", "projection", projection, projects);
  const weights = Float32Array.from(latent);
  const codes = new Int8Array(weights.length);
  const delta = projection.project(weights, codes);
  return { latent: weights, quantized: Array.from(codes, (code) => delta * code) };
}

/**
 * w_f ← (1 − ρ)w_f + ρw − η∇f(w), w ← proj(w_f), on a least-squares f, whose gradient at the quantized point is exact.
 *
 * With an exact projection f(w⁺) ≤ f(w) − ½(ρ/η − L)‖w⁺ − w‖²: the bound of the step.
 *
 * @throws ArgumentError on ρ outside [0, 1] or η ≤ 0; ShapeError if the sizes differ
 * @see BCGD §4 (sufficient-descent)
 */
export function bcgdStep(
  problem: LeastSquares,
  state: BcgdState,
  options: BcgdOptions,
): BcgdStep & { readonly state: BcgdState } {
  const op = "bcgdStep";
  checkProblem(op, problem);
  check(op, "state", state, record);
  checkVector(op, "state.quantized", state.quantized);
  check(op, "state.latent", state.latent, (value) => (kindOf(value) === "Float32Array" ? null : "a Float32Array"));
  checkOptions<BcgdOptions>(op, options, { projection: projects, rho: numeric, lr: numeric }, [
    "projection",
    "rho",
    "lr",
  ]);
  const { projection, rho, lr } = options;
  if (!(rho >= 0 && rho <= 1 && lr > 0)) {
    throw new ArgumentError({
      op: "bcgdStep",
      what: "bad options",
      expected: "0 ≤ rho ≤ 1, lr > 0",
      got: `${rho}, ${lr}`,
    });
  }
  const { latent, quantized } = state;
  checkLengths(op, "weights and unknowns", quantized, problem.linear);
  checkLengths(op, "latent weights and unknowns", latent as unknown as Vector, problem.linear);
  const gradient = leastSquaresGradient(problem, quantized);
  const blended = quantized.map((w, i) => (1 - rho) * latent[i] + rho * w - lr * gradient[i]);
  const next = bcgdState(blended, projection);
  const step = plus(next.quantized, quantized, -1);
  const moved = dot(step, step);
  const before = leastSquaresLoss(problem, quantized);
  const size = Math.sqrt(Math.max(dot(blended, blended), dot(quantized, quantized)));
  return {
    state: next,
    before,
    after: leastSquaresLoss(problem, next.quantized),
    moved,
    bound: before - 0.5 * (rho / lr - problem.lipschitz) * moved,
    slack: 2 ** -22 * (Math.sqrt(moved) * size) * (1 / lr + problem.lipschitz) + 1e-12 * before,
  };
}

/**
 * An example in which the inequality is nearly an equality: two weights, 1 bit, f = (L/2)‖w − c‖², started a hair
 * (`gap`) from the boundary between two sign patterns and sent a hair beyond it.
 *
 * The proof loses something where w_f or w_f⁺ is nearer to one of w, w⁺ than to the other; here both are almost at
 * equal distances.
 *
 * @param gap distance from the boundary, in (0, 1); the ratio of actual to guaranteed descent tends to 1 with it
 * @param options ρ and η with ρ > ηL
 * @returns problem and start for one {@link bcgdStep}
 */
export function sharpExample(
  gap: number,
  options: { rho: number; lr: number; lipschitz: number },
): { problem: LeastSquares; latent: number[] } {
  check("sharpExample", "gap", gap, real);
  checkOptions("sharpExample", options, { rho: real, lr: above(0), lipschitz: above(0) }, ["rho", "lr", "lipschitz"]);
  const { rho, lr, lipschitz } = options;
  // w_f = (1, gap) → w = δ(1, 1), δ = (1 + gap)/2. The target is chosen so that w_f⁺ = (1, −gap) → δ(1, −1).
  const delta = (1 + gap) / 2;
  const latent = [1, gap];
  const wanted = [1, -gap];
  const target = latent.map((x, i) => delta - ((1 - rho) * x + rho * delta - wanted[i]) / (lr * lipschitz));
  return { problem: isotropic(target, lipschitz), latent };
}
