/** @file The loss of a student against its teacher's softened outputs. Sums run in f64 and are rounded once. */
import { above, anything, check, type OptionRules } from "../core/checks.js";
import { sizeOf } from "../core/shape.js";
import { softmaxRows } from "../ndarray/activation.js";
import { divideBy, unary } from "../ndarray/elementwise.js";
import { NDArray } from "../ndarray/ndarray.js";
import { checkClassPair } from "./class-pair.js";
import { checkReduction, type Reduction } from "./loss-reduction.js";
import type { OpDef } from "./op.js";

/** Options of the distillation loss. */
export interface DistillationLossOptions {
  /** T > 0: both sides' logits are divided by it. Default 4. */
  readonly temperature?: number;
  /** Default `mean`, over examples. */
  readonly reduction?: Reduction;
}

/** What each option of the distillation loss must be. */
export const DISTILLATION_OPTIONS: OptionRules<DistillationLossOptions> = {
  temperature: above(0),
  reduction: anything,
};

/** What its gradient needs: logarithms of both sides' probabilities, and each row's KL divergence. */
export interface DistillationState {
  readonly student: NDArray;
  readonly teacher: NDArray;
  readonly divergences: Float64Array;
}

const NAME = "distillationLoss";

/** ln softmax(x / T) of rows. */
function logProbabilities(x: NDArray, temperature: number): NDArray {
  return softmaxRows("log_softmax", temperature === 1 ? x : divideBy(x, temperature));
}

/**
 * T²·Σ_c p_c·(ln p_c − ln q_c), p = softmax(teacher / T), q = softmax(student / T). Inputs: both sides' logits [..., C].
 * Derivatives: T·(q − p) by the student's logits, T·p·(ln p − ln q − KL) by the teacher's.
 */
export const distillationLoss: OpDef<DistillationLossOptions, DistillationState> = {
  name: NAME,
  shape: ([student, teacher], { temperature = 4, reduction = "mean" }) => {
    const shape = checkClassPair(NAME, student, teacher);
    check(NAME, "temperature", temperature, above(0));
    const rows = shape.slice(0, -1);
    checkReduction(NAME, reduction, shape, sizeOf(rows));
    return reduction === "none" ? rows : [];
  },
  forward: ([student, teacher], { temperature = 4, reduction = "mean" }, { shape }) => {
    const [logQ, logP] = [logProbabilities(student, temperature), logProbabilities(teacher, temperature)];
    const probabilities = unary("f32_exp", logP);
    const classes = student.shape[student.rank - 1];
    const divergences = new Float64Array(sizeOf(student.shape.slice(0, -1)));
    const y = NDArray.empty(shape, student.dtype);
    const [p, p0, q0, out] = [probabilities.view(), logP.view(), logQ.view(), y.view()];
    const square = temperature * temperature;
    let total = 0;
    for (let row = 0; row < divergences.length; row++) {
      let sum = 0;
      for (let i = row * classes; i < (row + 1) * classes; i++) {
        // A class that the teacher excludes has no part in it, whatever its logarithm is.
        if (p[i] !== 0) sum += p[i] * (p0[i] - q0[i]);
      }
      divergences[row] = sum;
      total += sum;
      if (reduction === "none") out[row] = square * sum;
    }
    if (reduction !== "none") out[0] = (square * total) / (reduction === "sum" ? 1 : divergences.length);
    return { y, saved: { student: logQ, teacher: logP, divergences } };
  },
  backward: (dy, { student, teacher, divergences }, { temperature = 4, reduction = "mean" }, { needs }) => {
    const [q, p] = [unary("f32_exp", student), unary("f32_exp", teacher)];
    const classes = q.shape[q.rank - 1];
    /** Rows of a gradient by a rule that is made once all arrays are. */
    const gradient = (ruleOf: () => (i: number, row: number) => number): NDArray => {
      const dx = NDArray.empty(q.shape, q.dtype);
      const [out, seed, rule] = [dx.view(), dy.view(), ruleOf()];
      for (let row = 0; row < divergences.length; row++) {
        const each = reduction === "none" ? seed[row] : reduction === "sum" ? seed[0] : seed[0] / divergences.length;
        const share = temperature * each;
        // A row that counts for nothing has no gradient, whatever its logits are.
        for (let i = row * classes; i < (row + 1) * classes; i++) out[i] = share === 0 ? 0 : share * rule(i, row);
      }
      return dx;
    };
    const ofStudent = () => {
      const [at, to] = [q.view(), p.view()];
      return (i: number): number => at[i] - to[i];
    };
    const ofTeacher = () => {
      const [to, p0, q0] = [p.view(), teacher.view(), student.view()];
      return (i: number, row: number): number => (to[i] === 0 ? 0 : to[i] * (p0[i] - q0[i] - divergences[row]));
    };
    return [needs[0] ? gradient(ofStudent) : null, needs[1] ? gradient(ofTeacher) : null];
  },
};
