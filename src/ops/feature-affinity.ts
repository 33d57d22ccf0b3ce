/**
 * @file The loss of a student's features against its teacher's by their affinities. Sums run in f64 and are rounded
 * once.
 */
import { anything, type OptionRules } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText, sizeOf } from "../core/shape.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { matmul } from "../ndarray/matmul.js";
import { NDArray } from "../ndarray/ndarray.js";
import { checkReduction, type Reduction } from "./loss-reduction.js";
import type { OpDef } from "./op.js";

/** Options of the loss of affinities. */
export interface FeatureAffinityLossOptions {
  /** Default `mean`, over examples. */
  readonly reduction?: Reduction;
}

/** What each option must be. */
export const FEATURE_AFFINITY_OPTIONS: OptionRules<FeatureAffinityLossOptions> = { reduction: anything };

/** Feature vectors of unit length [N, P, C], and what each was multiplied by for that. */
interface Units {
  readonly units: NDArray;
  readonly inverse: Float64Array;
}

/** What its gradient needs: both sides' unit vectors and the products of their channels [N, C, D]. */
export interface FeatureAffinityState {
  readonly student: NDArray;
  readonly teacher: NDArray;
  readonly studentInverse: Float64Array;
  readonly teacherInverse: Float64Array;
  readonly own: NDArray;
  readonly other: NDArray;
  readonly cross: NDArray;
}

const NAME = "featureAffinityLoss";

/** Examples, positions of each, and both sides' channels. @throws ShapeError */
function extentsOf(student: Shape, teacher: Shape): { examples: number; positions: number } {
  const leading = student.slice(0, -1);
  const empty = sizeOf(student.slice(1)) === 0 || teacher[teacher.length - 1] === 0;
  if (student.length < 3 || empty || !sameShape(leading, teacher.slice(0, -1))) {
    const expected = "[N, …, C] and [N, …, D] with the same examples and positions, and at least one channel";
    const got = `${shapeText(student)} and ${shapeText(teacher)}`;
    throw new ShapeError({ op: NAME, what: "features do not stand beside each other", expected, got });
  }
  return { examples: leading[0], positions: sizeOf(leading.slice(1)) };
}

/** Vectors of the last axis, each divided by its length; of zeros stay zeros. */
function unitsOf(x: NDArray, examples: number, positions: number): Units {
  const channels = x.shape[x.rank - 1];
  const units = NDArray.empty([examples, positions, channels], x.dtype);
  const inverse = new Float64Array(examples * positions);
  const [out, from] = [units.view(), x.view()];
  for (let row = 0; row < inverse.length; row++) {
    const [start, end] = [row * channels, (row + 1) * channels];
    let square = 0;
    for (let i = start; i < end; i++) square += from[i] * from[i];
    const factor = square === 0 ? 0 : 1 / Math.sqrt(square);
    inverse[row] = factor;
    for (let i = start; i < end; i++) out[i] = from[i] * factor;
  }
  return { units, inverse };
}

/** Sum of squares of each example's matrix. */
function squaresOf(products: NDArray, examples: number): Float64Array {
  const [sums, values] = [new Float64Array(examples), products.view()];
  const each = values.length / Math.max(1, examples);
  for (let n = 0; n < examples; n++) {
    for (let i = n * each; i < (n + 1) * each; i++) sums[n] += values[i] * values[i];
  }
  return sums;
}

/**
 * Σ over pairs of positions (p, q) of (cos(s_p, s_q) − cos(t_p, t_q))² / P². Inputs: student [N, …, C], teacher
 * [N, …, D]. With S, T the matrices [P, C], [P, D] of unit vectors this is ‖SSᵀ − TTᵀ‖² = ‖SᵀS‖² + ‖TᵀT‖² − 2‖SᵀT‖²,
 * which takes products of channels instead of the P² pairs. Derivative by S: 4(S·SᵀS − T·TᵀS) / P².
 */
export const featureAffinityLoss: OpDef<FeatureAffinityLossOptions, FeatureAffinityState> = {
  name: NAME,
  shape: ([student, teacher], { reduction = "mean" }) => {
    floatTypeOf(NAME, student, teacher);
    const { examples } = extentsOf(student.shape, teacher.shape);
    checkReduction(NAME, reduction, student.shape, examples);
    return reduction === "none" ? [examples] : [];
  },
  forward: ([student, teacher], { reduction = "mean" }, { shape }) => {
    const { examples, positions } = extentsOf(student.shape, teacher.shape);
    const [s, t] = [unitsOf(student, examples, positions), unitsOf(teacher, examples, positions)];
    const product = (a: Units, b: Units): NDArray => matmul(a.units, b.units, { transA: true });
    const [own, other, cross] = [product(s, s), product(t, t), product(s, t)];
    const [squares, others, shared] = [own, other, cross].map((products) => squaresOf(products, examples));
    const y = NDArray.empty(shape, student.dtype);
    const out = y.view();
    let total = 0;
    for (let n = 0; n < examples; n++) {
      // The three may cancel to less than their rounding. What is not a number stays so.
      const distance = squares[n] + others[n] - 2 * shared[n];
      const loss = distance < 0 ? 0 : distance / (positions * positions);
      if (reduction === "none") out[n] = loss;
      total += loss;
    }
    if (reduction !== "none") out[0] = reduction === "sum" ? total : total / examples;
    const inverses = { studentInverse: s.inverse, teacherInverse: t.inverse };
    return { y, saved: { student: s.units, teacher: t.units, ...inverses, own, other, cross } };
  },
  backward: (dy, saved, { reduction = "mean" }, { needs, inputs }) => {
    const { student, teacher, studentInverse, teacherInverse, own, other, cross } = saved;
    const [examples, positions] = student.shape;
    const seed = Float64Array.from({ length: examples }, (_, n) => {
      const each = reduction === "none" ? dy.view()[n] : reduction === "sum" ? dy.view()[0] : dy.view()[0] / examples;
      return (4 * each) / (positions * positions);
    });
    const gradient = (k: number, { units, inverse }: Units, towards: NDArray, from: NDArray): NDArray => {
      const dx = NDArray.empty(inputs[k].shape, units.dtype);
      const channels = units.shape[2];
      const [out, unit, a, b] = [dx.view(), units.view(), towards.view(), from.view()];
      for (let row = 0; row < inverse.length; row++) {
        const factor = seed[Math.floor(row / positions)] * inverse[row];
        const [start, end] = [row * channels, (row + 1) * channels];
        // Along the vector itself nothing changes: lengths do not count.
        let along = 0;
        for (let i = start; i < end; i++) along += unit[i] * (a[i] - b[i]);
        for (let i = start; i < end; i++) out[i] = factor === 0 ? 0 : factor * (a[i] - b[i] - unit[i] * along);
      }
      return dx;
    };
    const ofStudent = (): NDArray => {
      const from = matmul(teacher, cross, { transB: true });
      return gradient(0, { units: student, inverse: studentInverse }, matmul(student, own), from);
    };
    const ofTeacher = (): NDArray => {
      const from = matmul(student, cross);
      return gradient(1, { units: teacher, inverse: teacherInverse }, matmul(teacher, other), from);
    };
    return [needs[0] ? ofStudent() : null, needs[1] ? ofTeacher() : null];
  },
};
