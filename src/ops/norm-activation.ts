/**
 * @file Batch normalization by the batch's own statistics, joined to the activation behind it: what is common, and the
 * one with a ReLU.
 */

import { ShapeError } from "../core/errors.js";
import { sameShape, shapeText } from "../core/shape.js";
import { expectArrays, floatTypeOf } from "../ndarray/checks.js";
import { NDArray } from "../ndarray/ndarray.js";
import {
  type JoinedGradients,
  normalizedBackward,
  normalizedRelu,
  normalizedReluBackward,
} from "../ndarray/normalize.js";
import { type BatchNormTrainAttrs, batchNormTrain, batchStatistics } from "./norm.js";
import type { Needs, OpDef } from "./op.js";

/**
 * Checks [x, γ, β] as batchNormTrain does, and a shortcut of x's shape.
 *
 * @throws ShapeError, DTypeError
 */
export function checkNormActivation(inputs: readonly NDArray[], attrs: BatchNormTrainAttrs, shortcut?: NDArray): void {
  batchNormTrain.shape(inputs, attrs);
  const [x] = inputs;
  if (shortcut !== undefined) expectArrays("batchNorm", shortcut);
  if (shortcut !== undefined && !shortcut.coded) floatTypeOf("batchNorm", x, shortcut);
  if (shortcut !== undefined && !sameShape(shortcut.shape, x.shape)) {
    throw new ShapeError({
      op: "batchNorm",
      what: "shortcut",
      expected: shapeText(x.shape),
      got: shapeText(shortcut.shape),
    });
  }
}

/** Rows mean, invStd, γ, β of the batch, [4, C], as kernels take them. */
export function batchNormRows(
  x: NDArray,
  gamma: NDArray,
  beta: NDArray,
  { eps, statistics }: BatchNormTrainAttrs,
): NDArray {
  const { mean, variance, invStd } = batchStatistics(x, gamma.size, eps);
  const rows = NDArray.empty([4, gamma.size], x.dtype);
  const view = rows.view();
  [mean, invStd, gamma, beta].forEach((vector, i) => {
    view.set(vector.view(), i * gamma.size);
  });
  statistics?.mean.assign(mean);
  statistics?.variance.assign(variance);
  return rows;
}

/**
 * What both activations' backward passes share: hands out g, fills the sums by `run`, and forms the gradient for x.
 *
 * @param run fills g, dgamma and dbeta
 * @param shortcut its place among the inputs
 * @returns gradients for x, γ, β and the shortcut
 */
export function normGradients(
  x: NDArray,
  rows: NDArray,
  needs: Needs,
  shortcut: number,
  run: (gradients: JoinedGradients) => void,
): { x: NDArray | null; gamma: NDArray; beta: NDArray; shortcut: NDArray | null } {
  const channels = rows.shape[1];
  const g = NDArray.empty(x.shape, x.dtype);
  const gamma = NDArray.empty([channels], x.dtype);
  const beta = NDArray.empty([channels], x.dtype);
  run({ g, dgamma: gamma, dbeta: beta });
  if (!needs[0]) return { x: null, gamma, beta, shortcut: needs[shortcut] ? g : null };
  // g is the shortcut's gradient; if nobody wants that, its memory serves for x's.
  const dx = needs[shortcut] ? NDArray.empty(x.shape, x.dtype) : g;
  normalizedBackward(x, g, dx, { rows }, { dgamma: gamma, dbeta: beta });
  return { x: dx, gamma, beta, shortcut: needs[shortcut] ? g : null };
}

/** What the gradient of {@link batchNormRelu} needs. */
export interface NormReluState {
  readonly x: NDArray;
  readonly y: NDArray;
  readonly rows: NDArray;
}

/**
 * y = max(batchNorm(x) + shortcut, 0), every step rounded as by the single ops. Inputs: x [..., C], γ [C], β [C], and
 * maybe a shortcut of x's shape, coded or real.
 */
export const batchNormRelu: OpDef<BatchNormTrainAttrs, NormReluState> = {
  name: "batchNormRelu",
  coded: true,
  shape: ([x, gamma, beta, shortcut], attrs) => {
    checkNormActivation([x, gamma, beta], attrs, shortcut);
    return x.shape;
  },
  forward: ([x, gamma, beta, shortcut], attrs) => {
    const rows = batchNormRows(x, gamma, beta, attrs);
    const y = normalizedRelu(x, rows, shortcut);
    return { y, saved: { x, y, rows } };
  },
  backward: (dy, { x, y, rows }, _attrs, { inputs, needs }) => {
    const grads = normGradients(x, rows, needs, 3, (sums) => normalizedReluBackward(x, y, dy, rows, sums));
    const first = [grads.x, needs[1] ? grads.gamma : null, needs[2] ? grads.beta : null];
    return inputs.length === 4 ? [...first, grads.shortcut] : first;
  },
};
