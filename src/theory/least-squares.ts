/** @file Least squares f(w) = ‖Xw − y‖²/(2N): value, gradient, and a bound on its curvature. */
import { above, check, instanceOf, integer, list, listOf, real, record } from "../core/checks.js";
import { exp, log } from "../core/math.js";
import { Rng } from "../core/rng.js";
import { checkLengths, checkVector, dot, norm, plus, scaled, type Vector } from "./vector.js";

/** A quadratic f(w) = ½wᵀHw − bᵀw + c with its smallest Lipschitz constant of the gradient. */
export interface LeastSquares {
  /** H = XᵀX/N, n rows. */
  readonly hessian: readonly (readonly number[])[];
  /** b = Xᵀy/N. */
  readonly linear: readonly number[];
  /** c = ‖y‖²/(2N). */
  readonly constant: number;
  /** L: the largest eigenvalue of H, from above, to about 1e-8. */
  readonly lipschitz: number;
}

/** Refuses what is no quadratic with a square matrix. @throws ArgumentError, ShapeError */
export function checkProblem(op: string, problem: LeastSquares): void {
  check(op, "problem", problem, record);
  const { hessian, linear, constant } = problem;
  checkVector(op, "linear", linear);
  check(op, "constant", constant, real);
  check(op, "hessian", hessian, listOf(listOf(real, linear.length), linear.length));
}

/** Hw. */
function timesHessian(problem: LeastSquares, w: Vector): number[] {
  return problem.hessian.map((row) => dot(row, w));
}

function checkArguments(op: string, problem: LeastSquares, w: Vector): void {
  checkProblem(op, problem);
  checkVector(op, "w", w);
  checkLengths(op, "w and unknowns", w, problem.linear);
}

/** f(w). */
export function leastSquaresLoss(problem: LeastSquares, w: Vector): number {
  checkArguments("leastSquaresLoss", problem, w);
  return 0.5 * dot(timesHessian(problem, w), w) - dot(problem.linear, w) + problem.constant;
}

/** ∇f(w) = Hw − b. */
export function leastSquaresGradient(problem: LeastSquares, w: Vector): number[] {
  checkArguments("leastSquaresGradient", problem, w);
  return plus(timesHessian(problem, w), problem.linear, -1);
}

/** A problem with H = L·I and its minimum at `target`: f(w) = (L/2)‖w − target‖². */
export function isotropic(target: Vector, lipschitz: number): LeastSquares {
  checkVector("isotropic", "target", target);
  check("isotropic", "lipschitz", lipschitz, above(0));
  return {
    hessian: target.map((_, i) => target.map((_unused, j) => (i === j ? lipschitz : 0))),
    linear: scaled(target, lipschitz),
    constant: 0.5 * lipschitz * dot(target, target),
    lipschitz,
  };
}

/**
 * A random problem: Gaussian X with columns of unequal scales, y = Xu + noise for a Gaussian u.
 *
 * @param n unknowns @param rows observations N
 */
export function randomLeastSquares(rng: Rng, n: number, rows: number): LeastSquares {
  check("randomLeastSquares", "rng", rng, instanceOf(Rng, "an Rng"));
  check("randomLeastSquares", "n", n, integer(1, 1000));
  check("randomLeastSquares", "rows", rows, integer(1, 1_000_000));
  const scales = Array.from({ length: n }, () => exp(rng.range(-0.7, 0.7)));
  const truth = Array.from({ length: n }, () => rng.normal());
  const x = Array.from({ length: rows }, () => scales.map((scale) => scale * rng.normal()));
  const y = x.map((row) => dot(row, truth) + 0.3 * rng.normal());
  const column = (i: number): number[] => x.map((row) => row[i]);
  const hessian = truth.map((_, i) => truth.map((_unused, j) => dot(column(i), column(j)) / rows));
  return {
    hessian,
    linear: truth.map((_, i) => dot(column(i), y) / rows),
    constant: dot(y, y) / (2 * rows),
    lipschitz: largestEigenvalue(hessian),
  };
}

/**
 * The largest eigenvalue of a positive semidefinite matrix, from above: λ ≤ ‖H^p‖_F^(1/p) ≤ n^(1/2p) λ with p = 2^30,
 * by repeated squaring.
 *
 * @returns λ, at most about 1e-8 too large; 0 for the zero matrix
 */
export function largestEigenvalue(matrix: readonly (readonly number[])[]): number {
  check("largestEigenvalue", "matrix", matrix, listOf(list));
  check("largestEigenvalue", "matrix", matrix, listOf(listOf(real, matrix.length)));
  let power = matrix;
  let logarithm = 0;
  for (let k = 0; k <= 30; k++) {
    const size = norm(power.flat());
    if (size === 0) return 0;
    logarithm += log(size) * 2 ** -k;
    const unitPower = power.map((row) => scaled(row, 1 / size));
    // Symmetric: rows are columns.
    power = unitPower.map((row) => unitPower.map((other) => dot(row, other)));
  }
  return exp(logarithm) * (1 + 1e-12);
}
