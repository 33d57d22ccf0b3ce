/**
 * @file The expected coarse gradient of the two-linear-layer model: closed forms for three proxies, quadrature for any.
 */
import { callable, check, checkOptions, listOf, numeric, real, record } from "../core/checks.js";
import { type CoarseProxy, clippedReLU, identityProxy, reluProxy } from "../quant/proxy.js";
import { breaksOf } from "./breaks.js";
import { normalDensity, normalDistribution, SQRT_TWO_PI } from "./gaussian.js";
import { checkPair, checkPose, type Pose, poseOf, type TwoLayer } from "./model.js";
import { integrate } from "./quadrature.js";
import { dot, isProxy, plus, scaled, total } from "./vector.js";

/**
 * What the expectation needs to know of a proxy p(x) = μ′(‖w‖x), x ~ N(0, 1) being the component of a row of Z along ŵ.
 *
 * With y ~ N(0, 1) the component along e = Pw* / ‖Pw*‖, the teacher's unit is on where cos θ·x + sin θ·y > 0.
 */
export interface ProxyMoments {
  /** A = E[x p(x)]. */
  readonly mean: number;
  /** B = E[x p(x) 1{x > 0}]. */
  readonly own: number;
  /** C = E[x p(x) 1{teacher on}] = ∫ x p(x) φ(x) Φ(x cot θ) dx. */
  readonly along: number;
  /** D = E[y p(x) 1{teacher on}] = ∫ p(x) φ(x) φ(x cot θ) dx; it alone decides the correlation with ∂f/∂w. */
  readonly across: number;
}

/** Choices of {@link expectedCoarseGradient}. */
export interface ExpectationOptions {
  /**
   * Where μ′ jumps, so that quadrature need not search; in units of Zw. The built-in proxies' are known. Needed for
   * what is narrower than 1/128 of its distance from 0, see {@link quadratureMoments}.
   */
  readonly jumps?: readonly number[];
}

/**
 * E[g_relu] = h/(2√(2π)) ŵ − cos(θ/2)(vᵀv*)/√(2π)·(ŵ + w*)/‖ŵ + w*‖, h = ‖v‖² + (1ᵀv)² − (1ᵀv)(1ᵀv*) + vᵀv*, ‖w*‖ taken
 * as 1.
 *
 * Since ‖ŵ + w*‖ = 2cos(θ/2), the second term is (vᵀv*)/(2√(2π))·(ŵ + w*), which is defined at θ = π too.
 *
 * @returns n numbers
 * @gradient coarse (relu), in the mean
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 * @see BCGD §2 (E[g_relu])
 */
export function expectedRelu(student: TwoLayer, teacher: TwoLayer): number[] {
  checkPair("expectedRelu", student, teacher);
  const { along, cos, sin, across } = poseOf("expectedRelu", student.w, teacher.w);
  const [v, u] = [student.v, teacher.v];
  const h = dot(v, v) + total(v) * total(v) - total(v) * total(u) + dot(v, u);
  const pull = dot(v, u) / (2 * SQRT_TWO_PI);
  const radial = h / (2 * SQRT_TWO_PI) - pull * (1 + cos);
  return inPlane(along, across, radial, -pull * sin);
}

/**
 * E[g_identity] = (‖v‖² ŵ − (vᵀv*) w*)/√(2π), ‖w*‖ taken as 1.
 *
 * @returns n numbers
 * @gradient coarse (identity), in the mean
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 * @see BCGD §2 (E[g_identity])
 */
export function expectedIdentity(student: TwoLayer, teacher: TwoLayer): number[] {
  checkPair("expectedIdentity", student, teacher);
  const { along, cos, sin, across } = poseOf("expectedIdentity", student.w, teacher.w);
  const square = dot(student.v, student.v) / SQRT_TWO_PI;
  const pull = dot(student.v, teacher.v) / SQRT_TWO_PI;
  return inPlane(along, across, square - pull * cos, -pull * sin);
}

/**
 * E[g_clipped-relu] for μ′(x) = 1{0 < x ≤ c}. With t = c/‖w‖:
 * A = B = φ(0) − φ(t), D = sin θ/√(2π)·(Φ(t/sin θ) − ½), C = φ(0)/2 − φ(t)Φ(t cot θ) + cos θ/√(2π)·(Φ(t/sin θ) − ½).
 *
 * @param cap c, in units of Zw. Default 1, the top of a 1-bit staircase with α = 1; +∞ gives {@link expectedRelu}
 * @returns n numbers
 * @gradient coarse (clipped-relu), in the mean
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 * @see docs/theory.md, where the integrals are derived
 */
export function expectedClippedRelu(student: TwoLayer, teacher: TwoLayer, cap = 1): number[] {
  checkPair("expectedClippedRelu", student, teacher);
  const pose = poseOf("expectedClippedRelu", student.w, teacher.w);
  return assemble(student, teacher, pose, clippedMoments(pose, cap));
}

/** The moments of the clipped ReLU in closed form; at θ = 0 and π their limits. */
export function clippedMoments(pose: Pose, cap = 1): ProxyMoments {
  checkPose("clippedMoments", pose);
  check("clippedMoments", "cap", cap, numeric);
  const { length, cos, sin } = pose;
  const t = cap / length;
  const mean = normalDensity(0) - normalDensity(t);
  // t/sin θ = ∞ at both ends; t cot θ = ±∞.
  const inside = normalDistribution(sin === 0 ? Infinity : t / sin) - 0.5;
  const reach = normalDistribution(sin === 0 ? cos * Infinity : (t * cos) / sin);
  return {
    mean,
    own: mean,
    along: 0.5 * normalDensity(0) - normalDensity(t) * reach + (cos / SQRT_TWO_PI) * inside,
    across: (sin / SQRT_TWO_PI) * inside,
  };
}

// The density beyond is below 1e-28.
const REACH = 11;

/**
 * The moments of any proxy by adaptive quadrature. Integrating y out first leaves one dimension, in which the angle is
 * a parameter.
 *
 * Pieces end where μ′ changes, so that a proxy far narrower than ‖w‖ is not overlooked: it is looked at in 128 places
 * for each doubling of |Zw|, from 2⁻²⁰ on. What is narrower than 1/128 of its distance from 0 has to be named in
 * `jumps`.
 *
 * @param proxy called as `dx(x, 1, 1)`: a 1-bit staircase with α = 1
 * @param jumps where μ′ jumps, in units of Zw
 * @throws ArgumentError if μ′ is not finite
 */
export function quadratureMoments(pose: Pose, proxy: CoarseProxy, jumps: readonly number[] = []): ProxyMoments {
  checkPose("quadratureMoments", pose);
  check("quadratureMoments", "proxy", proxy, record);
  check("quadratureMoments", "proxy.dx", proxy.dx, callable);
  check("quadratureMoments", "jumps", jumps, listOf(real));
  const { length, cos, sin } = pose;
  // Near θ = 0 and π the teacher's unit switches within a few |tan θ| of x = 0: pieces that fine would be overlooked.
  const width = sin / Math.max(Math.abs(cos), sin / REACH);
  const switching = [-10, -3, -1, 1, 3, 10].map((k) => k * width);
  const breaks = [...jumps, ...breaksOf([(x) => proxy.dx(x, 1, 1)], 1, REACH * length, [0, ...jumps])];
  const inner = [0, ...switching, ...breaks.map((x) => x / length)].filter((x) => Math.abs(x) < REACH);
  const points = [-REACH, ...inner, REACH].sort((a, b) => a - b);
  // The moments of a proxy of width 1 fall like 1/‖w‖²: so does the error that they may have.
  const tolerance = 1e-14 / Math.max(1, length * length);
  const [mean, own, along, across] = integrate(
    (x) => {
      const p = proxy.dx(length * x, 1, 1);
      const weight = p * normalDensity(x);
      const tilt = sin === 0 ? cos * x * Infinity : (cos * x) / sin;
      const on = Number.isNaN(tilt) ? 0.5 : normalDistribution(tilt);
      return [
        x * weight,
        x > 0 ? x * weight : 0,
        x * weight * on,
        Number.isFinite(tilt) ? weight * normalDensity(tilt) : 0,
      ];
    },
    points,
    tolerance,
  );
  return { mean, own, along, across: sin === 0 ? 0 : across };
}

/**
 * E[g_μ] for any proxy: closed forms for the library's `relu`, `identity` and `clipped-relu` (with α = 1, so that it is
 * 1 on (0, 1]), else quadrature.
 *
 * E[g_μ] = (‖v‖²B + ½A[(1ᵀv)(1ᵀv − 1ᵀv*) − ‖v‖² + vᵀv*]) ŵ − (vᵀv*)(C ŵ + D e) with the {@link ProxyMoments} A, B, C,
 * D.
 *
 * @returns n numbers
 * @gradient coarse, in the mean
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 * @example
 * const half = { name: "half", dx: (x) => (x > 0 ? 0.5 : 0) };
 * const g = expectedCoarseGradient({ v: [1, 2], w: [0, 1] }, { v: [1, 1], w: [1, 0] }, half);
 */
export function expectedCoarseGradient(
  student: TwoLayer,
  teacher: TwoLayer,
  proxy: CoarseProxy,
  options: ExpectationOptions = {},
): number[] {
  checkOptions<ExpectationOptions>("expectedCoarseGradient", options, { jumps: listOf(real) });
  check("expectedCoarseGradient", "proxy", proxy, isProxy);
  if (proxy === reluProxy) return expectedRelu(student, teacher);
  if (proxy === identityProxy) return expectedIdentity(student, teacher);
  if (proxy === clippedReLU) return expectedClippedRelu(student, teacher);
  checkPair("expectedCoarseGradient", student, teacher);
  const pose = poseOf("expectedCoarseGradient", student.w, teacher.w);
  return assemble(student, teacher, pose, quadratureMoments(pose, proxy, options.jumps));
}

/** E[g_μ] from the moments of μ′. */
export function assemble(student: TwoLayer, teacher: TwoLayer, pose: Pose, moments: ProxyMoments): number[] {
  checkPair("assemble", student, teacher);
  checkPose("assemble", pose);
  const number = { mean: numeric, own: numeric, along: numeric, across: numeric };
  checkOptions<ProxyMoments>("assemble", moments, number, ["mean", "own", "along", "across"]);
  const [v, u] = [student.v, teacher.v];
  const others = total(v) * (total(v) - total(u)) - dot(v, v) + dot(v, u);
  const radial = dot(v, v) * moments.own + 0.5 * moments.mean * others - dot(v, u) * moments.along;
  return inPlane(pose.along, pose.across, radial, -dot(v, u) * moments.across);
}

/** a·ŵ + b·e, the second left out where e does not exist (b is 0 there). */
function inPlane(along: readonly number[], across: readonly number[] | null, a: number, b: number): number[] {
  return across === null ? scaled(along, a) : plus(scaled(along, a), across, b);
}

/**
 * ⟨E[g_relu], ∂f/∂w⟩ = sin θ/(2(2π)^{3/2}‖w‖)·(vᵀv*)² ≥ 0.
 *
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 * @see BCGD §2 (correlation of relu)
 */
export function reluCorrelation(student: TwoLayer, teacher: TwoLayer): number {
  return correlationOf(student, teacher, ({ sin }) => sin / (2 * SQRT_TWO_PI));
}

/**
 * ⟨E[g_identity], ∂f/∂w⟩ = sin θ/((2π)^{3/2}‖w‖)·(vᵀv*)² ≥ 0.
 *
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 * @see BCGD §2 (correlation of identity)
 */
export function identityCorrelation(student: TwoLayer, teacher: TwoLayer): number {
  return correlationOf(student, teacher, ({ sin }) => sin / SQRT_TWO_PI);
}

/**
 * ⟨E[g_clipped-relu], ∂f/∂w⟩ = sin θ/((2π)^{3/2}‖w‖)·(Φ(c/(‖w‖ sin θ)) − ½)(vᵀv*)² ≥ 0.
 *
 * @param cap c. Default 1
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 */
export function clippedReluCorrelation(student: TwoLayer, teacher: TwoLayer, cap = 1): number {
  return correlationOf(student, teacher, (pose) => clippedMoments(pose, cap).across);
}

/** D(vᵀv*)²/(2π‖w‖): ∂f/∂w has no part along ŵ. */
function correlationOf(student: TwoLayer, teacher: TwoLayer, across: (pose: Pose) => number): number {
  checkPair("correlation", student, teacher);
  const pose = poseOf("correlation", student.w, teacher.w);
  const overlap = dot(student.v, teacher.v);
  return (across(pose) * overlap * overlap) / (2 * Math.PI * pose.length);
}
