/** @file Matrix products. */

import { ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { rowsTimes, rowsTimesTransposed, transposedTimesRows } from "../ndarray/linear.js";
import { matmul as matmulOf, matmulShapeOf } from "../ndarray/matmul.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { reduceAxes } from "../ndarray/reduce.js";
import { addRowInPlace } from "../ndarray/update.js";
import type { OpDef } from "./op.js";

/** Product of stacks of matrices. */
export const matmul: OpDef<undefined, { a: NDArray | null; b: NDArray | null }> = {
  name: "matmul",
  shape: ([a, b]) => {
    floatTypeOf("matmul", a, b);
    return matmulShapeOf(a, b);
  },
  forward: ([a, b], _attrs, { needs }) => ({
    y: matmulOf(a, b),
    saved: { a: needs[1] ? a : null, b: needs[0] ? b : null },
  }),
  backward: (dy, { a, b }) => [b && matmulOf(dy, b, { transB: true }), a && matmulOf(a, dy, { transA: true })],
};

/** Adds a bias of the last axis in place and hands the array back. */
export function addBias(y: NDArray, bias: NDArray | undefined): NDArray {
  if (bias !== undefined) addRowInPlace(y, bias);
  return y;
}

/** Gradient of a bias over the last axis: the sum over all others. */
export function biasGradient(dy: NDArray): NDArray {
  return reduceAxes(
    "f32_sum",
    dy,
    Array.from({ length: dy.rank - 1 }, (_, i) => i),
  );
}

/** @throws ShapeError unless the bias, if there is one, holds one number per output channel */
export function checkBias(op: string, bias: NDArray | undefined, channels: number): void {
  if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== channels)) {
    throw new ShapeError({ op, what: "bias shape", expected: `[${channels}]`, got: shapeText(bias.shape) });
  }
}

/** y = x·Wᵀ + b. Inputs: x [..., in], weight [out, in], and maybe bias [out]. */
export const linear: OpDef<undefined, { x: NDArray | null; weight: NDArray | null }> = {
  name: "linear",
  shape: ([x, weight, bias]) => {
    floatTypeOf("linear", ...(bias === undefined ? [x, weight] : [x, weight, bias]));
    if (weight.rank !== 2 || x.rank < 1 || x.shape[x.rank - 1] !== weight.shape[1]) {
      throw new ShapeError({
        op: "linear",
        what: "feature mismatch",
        expected: `weight [O,${x.shape[x.rank - 1] ?? "I"}] for input ${shapeText(x.shape)}`,
        got: shapeText(weight.shape),
        hint: "the layout of the weight is [out, in]",
      });
    }
    checkBias("linear", bias, weight.shape[0]);
    return [...x.shape.slice(0, -1), weight.shape[0]];
  },
  forward: ([x, weight, bias], _attrs, { needs }) => ({
    y: addBias(rowsTimesTransposed(x, weight), bias),
    saved: { x: needs[1] ? x : null, weight: needs[0] ? weight : null },
  }),
  backward: (dy, { x, weight }, _attrs, { inputs, needs }) => [
    weight && rowsTimes(dy, weight, inputs[0].shape),
    x && transposedTimesRows(dy, x),
    ...(inputs.length === 3 ? [needs[2] ? biasGradient(dy) : null] : []),
  ],
};
