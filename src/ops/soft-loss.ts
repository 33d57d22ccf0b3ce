/** @file Cross entropy against shares of classes. Sums run in f64 and are rounded once. */
import { anything, type OptionRules } from "../core/checks.js";
import { softmaxRows } from "../ndarray/activation.js";
import { unary } from "../ndarray/elementwise.js";
import { NDArray } from "../ndarray/ndarray.js";
import { checkClassPair } from "./class-pair.js";
import { checkReduction, type Reduction } from "./loss-reduction.js";
import type { OpDef } from "./op.js";

/** Options of the cross entropy with soft targets. */
export interface SoftCrossEntropyOptions {
  /** Default `mean`, over the examples. */
  readonly reduction?: Reduction;
}

/** What each option must be. */
export const SOFT_CROSS_ENTROPY_OPTIONS: OptionRules<SoftCrossEntropyOptions> = { reduction: anything };

/** What the gradient of the soft cross-entropy needs. */
export interface SoftCrossEntropyState {
  logProbabilities: NDArray;
  targets: NDArray;
}

/** −Σ_c q_c·ln softmax(logits)_c. Inputs: logits [..., C], targets q of the same shape. */
export const softCrossEntropy: OpDef<SoftCrossEntropyOptions, SoftCrossEntropyState> = {
  name: "softCrossEntropy",
  shape: ([logits, targets], { reduction = "mean" }) => {
    const shape = checkClassPair("softCrossEntropy", logits, targets);
    const rows = shape.slice(0, -1);
    checkReduction("softCrossEntropy", reduction, shape, logits.size);
    return reduction === "none" ? rows : [];
  },
  forward: ([logits, targets], { reduction = "mean" }, { shape }) => {
    const classes = logits.shape[logits.rank - 1];
    const logProbabilities = softmaxRows("log_softmax", logits);
    const y = NDArray.empty(shape, logits.dtype);
    const [out, logs, shares] = [y.view(), logProbabilities.view(), targets.view()];
    const rows = logs.length / classes;
    let total = 0;
    for (let i = 0; i < rows; i++) {
      let loss = 0;
      for (let c = i * classes; c < (i + 1) * classes; c++) {
        // A class without a share has no loss, whatever its probability is.
        if (shares[c] !== 0) loss -= shares[c] * logs[c];
      }
      if (reduction === "none") out[i] = loss;
      total += loss;
    }
    if (reduction !== "none") out[0] = reduction === "sum" ? total : total / rows;
    return { y, saved: { logProbabilities, targets } };
  },
  backward: (dy, { logProbabilities, targets }, { reduction = "mean" }, { needs }) => {
    const classes = logProbabilities.shape[logProbabilities.rank - 1];
    const rows = logProbabilities.size / classes;
    // d/dlogits = (Σq · softmax − q)·dy, d/dq = −ln softmax·dy.
    const dx = unary("f32_exp", logProbabilities);
    const dq = needs[1] ? NDArray.empty(targets.shape, targets.dtype) : null;
    const [out, logs, shares, seed] = [dx.view(), logProbabilities.view(), targets.view(), dy.view()];
    const slopes = dq?.view();
    for (let i = 0; i < rows; i++) {
      const weight = reduction === "none" ? seed[i] : reduction === "sum" ? seed[0] : seed[0] / rows;
      const [from, end] = [i * classes, (i + 1) * classes];
      let mass = 0;
      for (let c = from; c < end; c++) mass += shares[c];
      for (let c = from; c < end; c++) {
        // An example that counts for nothing has no gradient, whatever its logits are.
        out[c] = weight === 0 ? 0 : (out[c] * mass - shares[c]) * weight;
        if (slopes !== undefined) slopes[c] = weight === 0 ? 0 : -logs[c] * weight;
      }
    }
    return [dx, dq];
  },
};
