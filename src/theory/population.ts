/** @file The population loss of the two-linear-layer model and its gradients, in closed form. */
import { checkPair, poseOf, type TwoLayer } from "./model.js";
import { checkVector, dot, scaled, total } from "./vector.js";

/**
 * Population loss f = E[½(y − y*)²] =
 * ⅛[vᵀ(I + 11ᵀ)v − 2vᵀ((1 − 2θ/π)I + 11ᵀ)v* + v*ᵀ(I + 11ᵀ)v*].
 *
 * Depends on w through θ alone: f does not change if w is scaled, or if w and w* are rotated together.
 *
 * @throws ArgumentError on non-finite numbers or w = 0; ShapeError if the sizes differ
 * @see BCGD §2 (population loss)
 */
export function populationLoss(student: TwoLayer, teacher: TwoLayer): number {
  checkPair("populationLoss", student, teacher);
  const { theta } = poseOf("populationLoss", student.w, teacher.w);
  const [v, u] = [student.v, teacher.v];
  const own = dot(v, v) + total(v) * total(v);
  const cross = (1 - (2 * theta) / Math.PI) * dot(v, u) + total(v) * total(u);
  const target = dot(u, u) + total(u) * total(u);
  return 0.125 * (own - 2 * cross + target);
}

/**
 * ∂f/∂v = ¼(I + 11ᵀ)v − ¼((1 − 2θ/π)I + 11ᵀ)v*. Also what the sample gradient in v has as its mean: v is not behind the
 * staircase.
 *
 * @returns m numbers
 * @throws ArgumentError, ShapeError as {@link populationLoss}
 * @see BCGD §2 (∂f/∂v)
 */
export function populationGradientV(student: TwoLayer, teacher: TwoLayer): number[] {
  checkPair("populationGradientV", student, teacher);
  const { theta } = poseOf("populationGradientV", student.w, teacher.w);
  const [v, u] = [student.v, teacher.v];
  const overlap = 1 - (2 * theta) / Math.PI;
  const common = total(v) - total(u);
  return v.map((_, i) => 0.25 * (v[i] + common) - 0.25 * overlap * u[i]);
}

/**
 * ∂f/∂w = −(vᵀv*)/(2π‖w‖)·Pw* / ‖Pw*‖, P = I − ŵŵᵀ.
 *
 * f has a crease along θ = 0 and θ = π, where this gradient does not exist; there the zero vector is returned, the
 * shortest element of the generalized gradient.
 *
 * @returns n numbers, orthogonal to w
 * @throws ArgumentError, ShapeError as {@link populationLoss}
 * @see BCGD §2 (∂f/∂w)
 */
export function populationGradientW(student: TwoLayer, teacher: TwoLayer): number[] {
  checkPair("populationGradientW", student, teacher);
  const { length, across } = poseOf("populationGradientW", student.w, teacher.w);
  if (across === null) return student.w.map(() => 0);
  return scaled(across, -dot(student.v, teacher.v) / (2 * Math.PI * length));
}

/**
 * The spurious critical point in v at θ = π: v = (I + 11ᵀ)⁻¹(11ᵀ − I)v*, where ∂f/∂v = 0.
 *
 * @param teacherV v*, m numbers
 * @returns m numbers; 1ᵀv = (m−1)/(m+1)·1ᵀv*
 * @see BCGD §2 (spurious minimizers)
 */
export function spuriousV(teacherV: readonly number[]): number[] {
  checkVector("spuriousV", "v*", teacherV);
  const shift = (2 * total(teacherV)) / (teacherV.length + 1);
  return teacherV.map((u) => shift - u);
}
