/**
 * @file The model with a b-bit staircase in place of the binary unit: exact gradients and expected coarse gradients by
 * one-dimensional integrals.
 */
import { staircaseTop } from "../codes/levels.js";
import {
  above,
  anything,
  checkOptions,
  integer,
  listOf,
  type OptionRules,
  type Rule,
  real,
  record,
} from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { type AlphaRule, alphaRules, threeValued } from "../quant/alpha-rule.js";
import { type CoarseProxy, proxies } from "../quant/proxy.js";
import { breaksOf, type Slope } from "./breaks.js";
import { normalDensity, normalDistribution } from "./gaussian.js";
import { checkPair, type Pose, poseOf, type TwoLayer } from "./model.js";
import { integrate } from "./quadrature.js";
import { dot, isProxy, plus, scaled, total } from "./vector.js";

const { ceil, fround, min } = Math;
// The density beyond is below 1e-28.
const REACH = 11;

/** A two-layer network whose units are staircases σ(x, α) with levels 0, α, …, Lα; see `coarsegrad/quant`. */
export interface QuantizedTwoLayer extends TwoLayer {
  /** Step α > 0; used as its f32 rounding, as the staircase op does. */
  readonly alpha: number;
}

/** Exact and expected coarse derivatives of the population loss at one point. */
export interface QuantizedGradients {
  /** Population loss f = E[½(y − y*)²]. */
  readonly loss: number;
  /** ∂f/∂v, m numbers. */
  readonly v: readonly number[];
  /** ∂f/∂w, n numbers: exact, from the jumps of the staircase. */
  readonly w: readonly number[];
  /** ∂f/∂α: exact. */
  readonly alpha: number;
  /** E[g_w]: the proxy in place of ∂σ/∂x. */
  readonly coarseW: readonly number[];
  /** E[g_α]: the rule in place of ∂σ/∂α. */
  readonly coarseAlpha: number;
}

/** Choices of {@link quantizedGradients}. */
export interface QuantizedOptions {
  /** 1…8; L = 2^bits − 1. */
  readonly bits: number;
  /** Coarse derivative of the staircase. */
  readonly proxy: CoarseProxy;
  /** Derivative in α. Default `threeValued`. */
  readonly rule?: AlphaRule;
  /** Absolute error of each integral on each piece. Default 1e-12. */
  readonly tolerance?: number;
  /**
   * Where slopes of your own jump, in units of Zw; see `quadratureMoments`. The built-in ones' are known. Default none.
   */
  readonly jumps?: readonly number[];
}

const isRule: Rule = (value) =>
  record(value) === null && typeof (value as Partial<AlphaRule>).dalpha === "function"
    ? null
    : "a rule { name, dalpha(x, alpha, top) }";

/** Rules of {@link QuantizedOptions}. */
export const QUANTIZED_RULES: OptionRules<QuantizedOptions> = {
  bits: integer(1, 8),
  proxy: isProxy,
  rule: isRule,
  tolerance: above(0),
  jumps: listOf(real),
};

/** {@link QUANTIZED_RULES} and what a descent says besides: its options serve for gradients as they are. */
export const SHARED_RULES: OptionRules<
  QuantizedOptions & Record<"lr" | "alphaScale" | "steps" | "batch" | "seed", unknown>
> = {
  ...QUANTIZED_RULES,
  lr: anything,
  alphaScale: anything,
  steps: anything,
  batch: anything,
  seed: anything,
};

/** Standardized thresholds t_k = kα/‖w‖, k = 0 … L−1: the staircase climbs by α at each. */
function thresholds(alpha: number, length: number, top: number): number[] {
  return Array.from({ length: top }, (_, k) => (k * alpha) / length);
}

/**
 * Loss, exact gradients and expected coarse gradients of the b-bit model. With bits = 1 and α = 1 this is the binary
 * model.
 *
 * With x the component of a row of Z along ŵ and y that along e: σ climbs at x = t_k, so that ∂σ/∂w has its mass there,
 * and M₀(x) = E[σ*|x], M₁(x) = E[yσ*|x] are sums of Φ and φ. What is left are integrals over x.
 *
 * At θ = 0 and π the part of ∂f/∂w across w is given as 0, as for the binary model.
 *
 * @param student a network
 * @param teacher one of the same sizes; each with its own α; ‖w*‖ matters for more than one bit
 * @throws ArgumentError on non-finite numbers, w = 0, or α that is not positive; ShapeError if the sizes differ
 * @see docs/theory.md, section on more bits, for the derivation
 */
export function quantizedGradients(
  student: QuantizedTwoLayer,
  teacher: QuantizedTwoLayer,
  options: QuantizedOptions,
): QuantizedGradients {
  checkOptions<QuantizedOptions>("quantizedGradients", options, SHARED_RULES, ["bits", "proxy"]);
  const { bits, proxy, rule = threeValued, tolerance = 1e-12 } = options;
  checkPair("quantizedGradients", student, teacher);
  for (const { alpha } of [student, teacher]) checkStep(alpha);
  const pose = poseOf("quantizedGradients", student.w, teacher.w);
  const top = staircaseTop(bits);
  const alpha = fround(student.alpha);
  const steps = thresholds(alpha, pose.length, top);
  const target = targetOf(pose, fround(teacher.alpha), top);

  const sigma = (x: number): number => (x > 0 ? alpha * min(ceil((x * pose.length) / alpha), top) : 0);
  const beyond = (top * alpha) / pose.length;
  const named = [...steps, beyond, ...(options.jumps ?? []).map((x) => x / pose.length)];
  const slopes = ownSlopes(proxy, rule, alpha, top);
  const known = named.map((x) => x * pose.length);
  const breaks = slopes.length === 0 ? [] : breaksOf(slopes, top * alpha, REACH * pose.length, known);
  const ends = [...named, ...breaks.map((x) => x / pose.length), ...target.switches];
  const points = [-REACH, ...ends.filter((x) => Math.abs(x) < REACH), REACH];
  const integrals = integrate(
    (x) => {
      const density = normalDensity(x);
      const y = sigma(x);
      const p = density * proxy.dx(x * pose.length, alpha, top);
      const r = density * rule.dalpha(x * pose.length, alpha, top);
      const m0 = target.mean(x);
      return [y * m0 * density, x * p, x * p * y, x * p * m0, p * target.slope(x), r, r * y, r * m0];
    },
    points.sort((a, b) => a - b),
    tolerance,
  );
  const [product, xp, xpy, xpm, pm, r, ry, rm] = integrals;

  // Means of σ and σ², and how they move with ‖w‖ and α.
  const tails = steps.map((t) => normalDistribution(-t));
  const heights = steps.map((_, k) => 2 * k + 1);
  const mean = alpha * total(tails);
  const square = alpha * alpha * dot(heights, tails);
  const teacherTails = thresholds(fround(teacher.alpha), pose.teacherLength, top).map((t) => normalDistribution(-t));
  const teacherMean = fround(teacher.alpha) * total(teacherTails);
  const teacherSquare =
    fround(teacher.alpha) * fround(teacher.alpha) * teacherTails.reduce((sum, tail, k) => sum + (2 * k + 1) * tail, 0);
  const jumps = steps.map((t) => (alpha * normalDensity(t)) / pose.length);
  const meanAlong = dot(jumps, steps);
  const squareAlong = alpha * steps.reduce((sum, t, k) => sum + heights[k] * jumps[k] * t, 0);
  const productAlong = steps.reduce((sum, t, k) => sum + jumps[k] * t * target.mean(t), 0);
  const productAcross = steps.reduce((sum, t, k) => sum + jumps[k] * target.slope(t), 0);

  const [v, u] = [student.v, teacher.v];
  const [vv, vu, sv, su] = [dot(v, v), dot(v, u), total(v), total(u)];
  const [ownPairs, crossPairs] = [sv * sv - vv, sv * su - vu];
  const [own, cross] = [vv * square + ownPairs * mean * mean, vu * product + crossPairs * mean * teacherMean];
  const teacherOwn = dot(u, u) * teacherSquare + (su * su - dot(u, u)) * teacherMean * teacherMean;

  // dσ/dα = σ/α − (the jumps move with α): t_k moves by k/‖w‖ = t_k/α.
  const meanAlpha = mean / alpha - (meanAlong * pose.length) / alpha;
  const squareAlpha = (2 * square) / alpha - (squareAlong * pose.length) / alpha;
  const productAlpha = product / alpha - (productAlong * pose.length) / alpha;
  const inPlane = (a: number, b: number): number[] =>
    pose.across === null ? scaled(pose.along, a) : plus(scaled(pose.along, a), pose.across, b);

  return {
    loss: 0.5 * own - cross + 0.5 * teacherOwn,
    v: v.map((_, i) => v[i] * square + (sv - v[i]) * mean * mean - u[i] * product - (su - u[i]) * mean * teacherMean),
    w: inPlane(
      0.5 * vv * squareAlong + ownPairs * mean * meanAlong - vu * productAlong - crossPairs * teacherMean * meanAlong,
      -vu * productAcross,
    ),
    alpha:
      0.5 * vv * squareAlpha + ownPairs * mean * meanAlpha - vu * productAlpha - crossPairs * teacherMean * meanAlpha,
    coarseW: inPlane(vv * xpy + ownPairs * xp * mean - vu * xpm - crossPairs * xp * teacherMean, -vu * pm),
    coarseAlpha: vv * ry + ownPairs * r * mean - vu * rm - crossPairs * r * teacherMean,
  };
}

/** The slopes that are not the library's: those jump at steps alone. */
function ownSlopes(proxy: CoarseProxy, rule: AlphaRule, alpha: number, top: number): Slope[] {
  return [
    ...(Object.values(proxies).includes(proxy) ? [] : [(x: number) => proxy.dx(x, alpha, top)]),
    ...(Object.values(alphaRules).includes(rule) ? [] : [(x: number) => rule.dalpha(x, alpha, top)]),
  ];
}

function checkStep(alpha: number): void {
  if (fround(alpha) > 0 && Number.isFinite(fround(alpha))) return;
  throw new ArgumentError({ op: "quantizedGradients", what: "bad alpha", expected: "a number > 0", got: `${alpha}` });
}

/** The teacher's unit seen from x: M₀ = E[σ*|x], M₁ = E[yσ*|x], and where they change fast. */
function targetOf(
  { cos, sin, teacherLength }: Pose,
  alpha: number,
  top: number,
): { mean(x: number): number; slope(x: number): number; switches: number[] } {
  const steps = thresholds(alpha, teacherLength, top);
  // The teacher exceeds step l where cos θ·x + sin θ·y > l; at θ = 0 and π, where ±x > l.
  const reach = (x: number, step: number): number => {
    const margin = cos * x - step;
    return sin > 0 ? margin / sin : margin === 0 ? -Infinity : margin * Infinity;
  };
  return {
    mean: (x) => alpha * steps.reduce((sum, step) => sum + normalDistribution(reach(x, step)), 0),
    slope: (x) => (sin > 0 ? alpha * steps.reduce((sum, step) => sum + normalDensity(reach(x, step)), 0) : 0),
    // Wide switches need no pieces of their own.
    switches: sin > 0.3 ? [] : steps.flatMap((step) => [-6, 0, 6].map((k) => (step + k * sin) / cos)),
  };
}
