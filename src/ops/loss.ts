/** @file Losses. Sums run in f64 and are rounded once. */
import { anything, atLeast, check, integer, listOf, type OptionRules, within } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { softmaxRows } from "../ndarray/activation.js";
import { checkIndices, floatTypeOf } from "../ndarray/convert.js";
import { compare, divideBy, maskScale, mul, scalarLike, scaleShift, sub, unary } from "../ndarray/elementwise.js";
import { NDArray } from "../ndarray/ndarray.js";
import { mean as meanOf, reduceAxes } from "../ndarray/reduce.js";
import { checkReduction, type Reduction } from "./loss-reduction.js";
import type { OpDef } from "./op.js";
import { checkPair } from "./pointwise-loss.js";

/** Options of the cross entropy. */
export interface CrossEntropyOptions {
  /** ε: the target is 1 − ε + ε/C at the label and ε/C elsewhere. In [0, 1], default 0. */
  labelSmoothing?: number;
  /**
   * w: one finite number ≥ 0 a class. Every term of an example's sum is multiplied by its class's weight, and the mean
   * divides by the sum of the labels' weights. Default none: all 1.
   */
  classWeights?: readonly number[];
  /** Examples with this label count for nothing. Default none. */
  ignoreIndex?: number;
  /** Default `mean`, over the examples that are not ignored. */
  reduction?: Reduction;
}

/** What each option of the cross entropy must be. */
export const CROSS_ENTROPY_OPTIONS: OptionRules<CrossEntropyOptions> = {
  labelSmoothing: within(0, 1),
  classWeights: listOf(atLeast(0)),
  ignoreIndex: integer(),
  reduction: anything,
};

/** What the gradient of the cross-entropy needs. */
export interface CrossEntropyState {
  logProbabilities: NDArray;
  labels: NDArray;
  /** Examples that are not ignored; with weights of classes the sum of theirs. */
  counted: number;
}

/**
 * −Σ_c w_c·q_c·ln softmax(logits)_c with q = (1 − ε)·onehot(label) + ε/C. Inputs: logits [..., C], labels (i32) [...].
 */
export const crossEntropy: OpDef<CrossEntropyOptions, CrossEntropyState> = {
  name: "crossEntropy",
  shape: ([logits, labels], { reduction = "mean", labelSmoothing = 0, classWeights, ignoreIndex }) => {
    floatTypeOf("crossEntropy", logits);
    checkIndices("crossEntropy", labels);
    check("crossEntropy", "labelSmoothing", labelSmoothing, within(0, 1));
    if (logits.rank < 1 || !sameShape(logits.shape.slice(0, -1), labels.shape)) {
      throw new ShapeError({
        op: "crossEntropy",
        what: "labels do not fit the logits",
        expected: `${shapeText(logits.shape.slice(0, -1))} for logits ${shapeText(logits.shape)}`,
        got: shapeText(labels.shape),
        hint: "labels are class numbers, not one-hot rows",
      });
    }
    checkReduction("crossEntropy", reduction, logits.shape, labels.size);
    if (classWeights !== undefined) {
      const classes = logits.shape[logits.rank - 1];
      check(
        "crossEntropy",
        "classWeights",
        classWeights,
        listOf(atLeast(0), classes),
        `a number ≥ 0 for each of ${classes} classes`,
      );
    }
    checkLabels(labels, logits.shape[logits.rank - 1], ignoreIndex);
    return reduction === "none" ? labels.shape : [];
  },
  forward: ([logits, labels], { labelSmoothing = 0, classWeights, ignoreIndex, reduction = "mean" }, { shape }) => {
    const classes = logits.shape[logits.rank - 1];
    const logProbabilities = softmaxRows("log_softmax", logits);
    const y = NDArray.empty(shape, logits.dtype);
    const out = y.view();
    const logs = logProbabilities.view();
    const of = labels.view();
    let total = 0;
    let counted = 0;
    for (let i = 0; i < of.length; i++) {
      let loss = 0;
      if (of[i] !== ignoreIndex) {
        const weight = classWeights?.[of[i]] ?? 1;
        counted += weight;
        // A class that counts for nothing has no loss, whatever its probability is.
        if (labelSmoothing < 1 && weight > 0) loss = -(1 - labelSmoothing) * logs[i * classes + of[i]] * weight;
        if (labelSmoothing > 0) {
          let sum = 0;
          for (let c = 0; c < classes; c++) {
            const share = classWeights?.[c] ?? 1;
            if (share > 0) sum += logs[i * classes + c] * share;
          }
          loss -= (labelSmoothing / classes) * sum;
        }
      }
      if (reduction === "none") out[i] = loss;
      total += loss;
    }
    if (reduction !== "none") out[0] = reduction === "sum" ? total : total / counted;
    return { y, saved: { logProbabilities, labels, counted } };
  },
  backward: (dy, { logProbabilities, labels, counted }, attrs) => {
    const { labelSmoothing = 0, classWeights, ignoreIndex, reduction = "mean" } = attrs;
    // d/dlogits = (Σ_c w_c·q_c · softmax − w·q)·dy; without weights the sum is 1.
    const dx = unary("f32_exp", logProbabilities);
    const classes = dx.shape[dx.rank - 1];
    const out = dx.view();
    const of = labels.view();
    const seed = dy.view();
    const share = labelSmoothing / classes;
    const total = classWeights?.reduce((sum, value) => sum + value, 0) ?? classes;
    for (let i = 0; i < of.length; i++) {
      const row = i * classes;
      const weight = reduction === "none" ? seed[i] : reduction === "sum" ? seed[0] : seed[0] / counted;
      // An example that counts for nothing has no gradient, whatever its logits are.
      if (of[i] === ignoreIndex || weight === 0) {
        out.fill(0, row, row + classes);
        continue;
      }
      const mass = classWeights === undefined ? 1 : share * total + (1 - labelSmoothing) * classWeights[of[i]];
      for (let c = 0; c < classes; c++) {
        const target = (share + (c === of[i] ? 1 - labelSmoothing : 0)) * (classWeights?.[c] ?? 1);
        out[row + c] = (out[row + c] * mass - target) * weight;
      }
    }
    return [dx, null];
  },
};

function checkLabels(labels: NDArray, classes: number, ignoreIndex: number | undefined): void {
  const of = labels.view();
  for (let i = 0; i < of.length; i++) {
    if (of[i] === ignoreIndex || (of[i] >= 0 && of[i] < classes)) continue;
    throw new ArgumentError({
      op: "crossEntropy",
      what: `label out of range at index ${i}`,
      expected: `an integer in [0, ${classes - 1}]`,
      got: `${of[i]}`,
      hint: "set ignoreIndex for labels that mean none",
    });
  }
}

/** (prediction − target)², reduced. Inputs of one shape. */
export const mse: OpDef<{ readonly reduction?: Reduction }, { difference: NDArray }> = {
  name: "mse",
  shape: ([prediction, target], { reduction = "mean" }) => {
    checkPair("mse", prediction, target);
    checkReduction("mse", reduction, prediction.shape, prediction.size);
    return reduction === "none" ? prediction.shape : [];
  },
  forward: ([prediction, target], { reduction = "mean" }) => {
    const difference = sub(prediction, target);
    const squares = mul(difference, difference);
    const axes = allAxes(squares.shape);
    const y =
      reduction === "none"
        ? squares
        : reduction === "sum"
          ? reduceAxes("f32_sum", squares, axes)
          : meanOf(squares, axes);
    return { y, saved: { difference } };
  },
  backward: (dy, { difference }, { reduction = "mean" }, { needs }) => {
    const twice = mul(scaleShift(difference, 2), dy);
    const scaled = reduction === "mean" ? divideBy(twice, difference.size) : twice;
    // Squares that count for nothing have no gradient, whatever the difference is.
    const skips = reduction === "none" || dy.item() === 0;
    const grad = skips ? maskScale(scaled, compare("f32_ne", dy, scalarLike(dy, 0))) : scaled;
    // Of +0 the negative is −0; adding +0 undoes that.
    const negative = (): NDArray => (skips ? scaleShift(grad, -1) : unary("f32_neg", grad));
    return [needs[0] ? grad : null, needs[1] ? negative() : null];
  },
};

function allAxes(shape: Shape): number[] {
  return shape.map((_, i) => i);
}
