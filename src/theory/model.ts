/** @file The two-linear-layer network with a teacher, and how the two weight vectors lie to each other. */
import { check, listOf, nullable, real, record, text } from "../core/checks.js";
import { atan2 } from "../core/math.js";
import { checkLengths, checkVector, dot, norm, plus, scaled, unit, type Vector } from "./vector.js";

/**
 * y(v, w; Z) = vᵀσ(Zw), σ(x) = 1{x > 0}, on Z ∈ R^{m×n} with independent N(0, 1) entries. As student it is trained, as
 * teacher it labels.
 *
 * @see BCGD §2 (two linear layers)
 */
export interface TwoLayer {
  /** Second layer, m numbers. */
  readonly v: Vector;
  /** First layer, n numbers, shared by the m rows of Z. */
  readonly w: Vector;
}

/** The plane of w and w*: lengths, angle, and an orthonormal basis. */
export interface Pose {
  /** ‖w‖ and ‖w*‖. */
  readonly length: number;
  /** ‖w*‖. */
  readonly teacherLength: number;
  /** θ = ∠(w, w*) in [0, π], with full relative accuracy at both ends. */
  readonly theta: number;
  /** cos θ. */
  readonly cos: number;
  /** sin θ. */
  readonly sin: number;
  /** ŵ = w/‖w‖. */
  readonly along: readonly number[];
  /**
   * e = P w* / ‖P w*‖, P = I − ŵŵᵀ; null where w* is parallel to w (sin θ below 1e-15), for no direction is singled out
   * there.
   */
  readonly across: readonly number[] | null;
}

/**
 * Checks a student and its teacher.
 *
 * @param op what the errors name
 * @throws ArgumentError on empty or non-finite vectors and on w = 0 or w* = 0; ShapeError if the sizes differ
 */
export function checkPair(op: string, student: TwoLayer, teacher: TwoLayer): void {
  check(op, "student", student, record);
  check(op, "teacher", teacher, record);
  for (const [name, vector] of [
    ["v", student.v],
    ["w", student.w],
    ["v*", teacher.v],
    ["w*", teacher.w],
  ] as const) {
    checkVector(op, name, vector);
  }
  checkLengths(op, "v and v*", student.v, teacher.v);
  checkLengths(op, "w and w*", student.w, teacher.w);
}

/** Refuses what is no pose. @throws ArgumentError */
export function checkPose(op: string, pose: Pose): void {
  check(op, "pose", pose, record);
  for (const name of ["length", "teacherLength", "theta", "cos", "sin"] as const)
    check(op, `pose.${name}`, pose[name], real);
  check(op, "pose.along", pose.along, listOf(real));
  check(op, "pose.across", pose.across, nullable(listOf(real)));
}

/**
 * How w lies to w*.
 *
 * θ = 2·atan2(‖ŵ − ŵ*‖, ‖ŵ + ŵ*‖) (Kahan), which loses nothing where arccos⟨ŵ, ŵ*⟩ loses half the digits.
 *
 * @param op what the errors name
 * @throws ArgumentError if w or w* is the zero vector: it has no angle
 */
export function poseOf(op: string, w: Vector, teacherW: Vector): Pose {
  check("poseOf", "op", op, text);
  checkVector(op, "w", w);
  checkVector(op, "w*", teacherW);
  checkLengths(op, "w and w*", w, teacherW);
  const along = unit(op, "w", w);
  const star = unit(op, "w*", teacherW);
  const difference = plus(star, along, -1);
  const sum = plus(star, along);
  const theta = 2 * atan2(norm(difference), norm(sum));
  // P ŵ* = P(ŵ* ∓ ŵ); the shorter of the two is free of cancellation.
  const near = dot(along, star) > 0 ? difference : sum;
  const rejected = plus(near, along, -dot(near, along));
  const sin = norm(rejected);
  const parallel = sin < 1e-15;
  return {
    length: norm(w),
    teacherLength: norm(teacherW),
    theta,
    cos: dot(along, star),
    sin: parallel ? 0 : sin,
    along,
    across: parallel ? null : scaled(rejected, 1 / sin),
  };
}
