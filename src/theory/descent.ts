/**
 * @file Coarse gradient descent on the two-linear-layer model: with the expectations, or with samples through the
 * engine.
 */
import {
  anything,
  atLeast,
  check,
  checkOptions,
  integer,
  listOf,
  numeric,
  type OptionRules,
  real,
} from "../core/checks.js";
import { ArgumentError, DivergenceError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import type { CoarseProxy } from "../quant/proxy.js";
import { type ExpectationOptions, expectedCoarseGradient } from "./coarse.js";
import { checkPair, poseOf, type TwoLayer } from "./model.js";
import { populationGradientV, populationGradientW, populationLoss } from "./population.js";
import { sampleGradients } from "./sample.js";
import { dot, isProxy, norm, plus } from "./vector.js";

/** Where a descent stands. */
export interface DescentPoint {
  /** Number of the step. */
  readonly step: number;
  /** Population loss f. */
  readonly loss: number;
  /** Angle θ between w and w*, radians. */
  readonly theta: number;
  /** ‖w‖. */
  readonly length: number;
  /** ⟨E[g_μ], ∂f/∂w⟩. */
  readonly correlation: number;
  /** ‖E[g_μ]‖. */
  readonly coarseNorm: number;
  /** ‖∂f/∂v‖. */
  readonly gradientV: number;
  /** Distance from criticality, see {@link criticality}. */
  readonly criticality: number;
}

/** How a descent ended. */
export type Ending = "global" | "spurious" | "other critical point" | "not converged";

/** A whole descent. */
export interface Descent {
  /** The course, from the start. */
  readonly points: readonly DescentPoint[];
  /** The network at the end. */
  readonly student: TwoLayer;
  /** Steps that were taken. */
  readonly steps: number;
  /** Why it ended. */
  readonly ending: Ending;
}

/** Choices common to both descents. */
export interface DescentOptions extends ExpectationOptions {
  /** Coarse derivative of the descent. */
  readonly proxy: CoarseProxy;
  /** Learning rate η > 0 of both layers. */
  readonly lr: number;
  /** Most steps taken. */
  readonly steps: number;
  /** Ends the descent once the point's criticality is below. Default 0: never. */
  readonly tolerance?: number;
  /** Every how many steps a point is recorded; the first and the last always are. Default 1. */
  readonly every?: number;
}

/** Choices of {@link sampleDescent}. */
export interface SampleDescentOptions extends DescentOptions {
  /** Fresh Gaussian samples per step. */
  readonly batch: number;
  /** Seed of the samples. */
  readonly seed: number | string;
}

const DESCENT_RULES: OptionRules<DescentOptions> = {
  proxy: isProxy,
  lr: numeric,
  steps: numeric,
  tolerance: atLeast(0),
  every: integer(1),
  jumps: listOf(real),
};
/** Samples of one step: their inputs are held at once. */
const MOST_SAMPLES = 2 ** 24;

/**
 * How far (v, w) is from a critical point of f: the larger of ‖∂f/∂v‖ and min(‖∂f/∂w‖, ‖w‖ sin θ), and not less than
 * ‖E[g_μ]‖ if that is given.
 *
 * f has creases along θ = 0 and θ = π. Up to a crease ‖∂f/∂w‖ stays |vᵀv*|/(2π‖w‖), and on it the generalized gradient
 * holds 0. So the distance to the crease, ‖w‖ sin θ, stands in for the norm where it is smaller (an ε-critical point in
 * the sense of Goldstein).
 *
 * @throws ArgumentError, ShapeError as `populationLoss`
 */
export function criticality(student: TwoLayer, teacher: TwoLayer, coarse: readonly number[] = []): number {
  checkPair("criticality", student, teacher);
  check("criticality", "coarse", coarse, listOf(numeric));
  const { length, sin } = poseOf("criticality", student.w, teacher.w);
  const inW = Math.min(norm(populationGradientW(student, teacher)), length * sin);
  return Math.max(norm(populationGradientV(student, teacher)), inW, norm(coarse));
}

/**
 * v ← v − η ∂f/∂v, w ← w − η E[g_μ], with closed forms (or quadrature) for both.
 *
 * @returns recorded points, the last network, and where it ended
 * @throws ArgumentError on bad options or a zero w on the way; DivergenceError if numbers leave the finite range
 * @see BCGD §2 (coarse gradient descent)
 * @example
 * const { ending } = populationDescent(student, teacher, { proxy: reluProxy, lr: 0.5, steps: 5000, tolerance: 1e-6 });
 */
export function populationDescent(student: TwoLayer, teacher: TwoLayer, options: DescentOptions): Descent {
  checkPair("populationDescent", student, teacher);
  checkOptions<DescentOptions>("populationDescent", options, DESCENT_RULES, ["proxy", "lr", "steps"]);
  return descend(student, teacher, options, (at) => ({
    v: populationGradientV(at, teacher),
    w: expectedCoarseGradient(at, teacher, options.proxy, { jumps: options.jumps }),
  }));
}

/**
 * The same with gradients of fresh Gaussian samples through the engine. The recorded quantities are still the
 * population's.
 *
 * @throws as {@link populationDescent}
 */
export function sampleDescent(student: TwoLayer, teacher: TwoLayer, options: SampleDescentOptions): Descent {
  checkPair("sampleDescent", student, teacher);
  checkOptions<SampleDescentOptions>(
    "sampleDescent",
    options,
    { ...DESCENT_RULES, batch: integer(1, MOST_SAMPLES), seed: anything },
    ["proxy", "lr", "steps", "batch", "seed"],
  );
  const { batch, seed, proxy } = options;
  const rng = new Rng(seed);
  return descend(student, teacher, options, (at) => {
    const inputs = new Float64Array(batch * at.v.length * at.w.length);
    rng.fillNormal(inputs, 0, 1);
    const sample = sampleGradients(at, teacher, inputs, proxy);
    return { v: meanRow(sample.v, at.v.length), w: meanRow(sample.w, at.w.length) };
  });
}

function meanRow(rows: Float64Array, width: number): number[] {
  const mean = new Array<number>(width).fill(0);
  for (let i = 0; i < rows.length; i++) mean[i % width] += rows[i];
  return mean.map((sum) => (sum * width) / rows.length);
}

function descend(
  start: TwoLayer,
  teacher: TwoLayer,
  { proxy, lr, steps, tolerance = 0, every = 1, jumps = [] }: DescentOptions,
  gradient: (at: TwoLayer) => { v: readonly number[]; w: readonly number[] },
): Descent {
  check("descent", "tolerance", tolerance, atLeast(0));
  check("descent", "every", every, integer(1));
  if (!(lr > 0 && Number.isFinite(lr)) || !(steps >= 0)) {
    throw new ArgumentError({
      op: "descent",
      what: "bad options",
      expected: "lr > 0, steps ≥ 0",
      got: `${lr}, ${steps}`,
    });
  }
  let at: TwoLayer = { v: [...start.v], w: [...start.w] };
  const points: DescentPoint[] = [];
  for (let step = 0; ; step++) {
    const coarse = expectedCoarseGradient(at, teacher, proxy, { jumps });
    const reached = criticality(at, teacher, coarse);
    const last = step >= steps || reached < tolerance;
    if (last || step % every === 0) points.push(pointOf(step, at, teacher, coarse, reached));
    if (last) return { points, student: at, steps: step, ending: endingOf(at, teacher, reached, tolerance) };
    const { v, w } = gradient(at);
    at = { v: plus(at.v, v, -lr), w: plus(at.w, w, -lr) };
    if (![...at.v, ...at.w].every(Number.isFinite)) {
      throw new DivergenceError({ op: "descent", what: "numbers beyond the finite range", hint: "take a smaller lr" });
    }
  }
}

function pointOf(
  step: number,
  at: TwoLayer,
  teacher: TwoLayer,
  coarse: readonly number[],
  reached: number,
): DescentPoint {
  const { theta, length } = poseOf("descent", at.w, teacher.w);
  return {
    step,
    loss: populationLoss(at, teacher),
    theta,
    length,
    correlation: dot(coarse, populationGradientW(at, teacher)),
    coarseNorm: norm(coarse),
    gradientV: norm(populationGradientV(at, teacher)),
    criticality: reached,
  };
}

/** "global": the loss is 0 and θ = 0; "spurious": θ = π and vᵀv* < 0, a local minimum with a positive loss. */
function endingOf(at: TwoLayer, teacher: TwoLayer, reached: number, tolerance: number): Ending {
  if (reached > Math.max(tolerance, 1e-9)) return "not converged";
  const { theta } = poseOf("descent", at.w, teacher.w);
  const overlap = dot(at.v, teacher.v);
  // f grows like θ·vᵀv*/(2π) off the crease at 0, and like (θ − π)·vᵀv*/(2π) off the one at π.
  if (theta < 1e-3 && overlap > 0) return "global";
  if (theta > Math.PI - 1e-3 && overlap < 0) return "spurious";
  return "other critical point";
}
