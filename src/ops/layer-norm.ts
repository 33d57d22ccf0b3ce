/** @file Layer normalization over the last axes. */
import { atLeast, check, integer } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { type Shape, shapeText, sizeOf } from "../core/shape.js";
import { expectShape, floatTypeOf } from "../ndarray/checks.js";
import { add, div, mul, scalarLike, sub, unary } from "../ndarray/elementwise.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { mean, reduceAxes } from "../ndarray/reduce.js";
import type { OpDef } from "./op.js";

/** Attributes of {@link layerNorm}. */
export interface LayerNormAttrs {
  /** How many of the last axes are normalized together. */
  readonly axes: number;
  /** Added to the variance. */
  readonly eps: number;
}

/** What the gradient needs: normalized rows [rows, size], 1/√(variance + eps) [rows, 1], and γ. */
export interface LayerNormState {
  readonly normal: NDArray;
  readonly invStd: NDArray;
  readonly gamma: NDArray | null;
}

/** The extents that are normalized together. @throws ShapeError, ArgumentError, DTypeError */
function normalizedShape(inputs: readonly NDArray[], { axes, eps }: LayerNormAttrs): Shape {
  floatTypeOf("layerNorm", ...inputs);
  check("layerNorm", "eps", eps, atLeast(0));
  const [x, gamma, beta] = inputs;
  check("layerNorm", "axes", axes, integer(1));
  const shape = x.shape.slice(-axes);
  if (axes > x.rank || sizeOf(shape) === 0) {
    const expected = `at least ${axes} axes with elements`;
    throw new ShapeError({ op: "layerNorm", what: "input", expected, got: shapeText(x.shape) });
  }
  if (gamma !== undefined) expectShape("layerNorm", "weight", gamma, shape);
  if (beta !== undefined) expectShape("layerNorm", "bias", beta, shape);
  return shape;
}

/** x as rows of what is normalized together. */
function rowsOf(x: NDArray, size: number): NDArray {
  return x.reshape([x.size / size, size]);
}

/**
 * y = (x − mean)·invStd·γ + β with the mean and the biased variance of the last axes, invStd = 1/√(variance + eps), each
 * operation rounded once, from left to right. Inputs: x [..., S], and maybe γ [S], and maybe β [S].
 */
export const layerNorm: OpDef<LayerNormAttrs, LayerNormState> = {
  name: "layerNorm",
  shape: (inputs, attrs) => {
    normalizedShape(inputs, attrs);
    return inputs[0].shape;
  },
  forward: ([x, gamma, beta], { axes, eps }) => {
    const rows = rowsOf(x, sizeOf(x.shape.slice(-axes)));
    const distance = sub(rows, mean(rows, [1], true));
    const variance = mean(mul(distance, distance), [1], true);
    const invStd = div(scalarLike(x, 1), unary("f32_sqrt", add(variance, scalarLike(x, eps))));
    const normal = mul(distance, invStd);
    let y = normal;
    if (gamma !== undefined) y = mul(y, gamma.reshape([gamma.size]));
    if (beta !== undefined) y = add(y, beta.reshape([beta.size]));
    return { y: y.reshape(x.shape), saved: { normal, invStd, gamma: gamma ?? null } };
  },
  backward: (dy, { normal, invStd, gamma }, _attrs, { inputs, needs }) => {
    const [x, ...vectors] = inputs;
    const rows = rowsOf(dy, normal.shape[1]);
    const sums = vectors.map(({ shape }, i) => {
      if (!needs[1 + i]) return null;
      return reduceAxes("f32_sum", i === 0 ? mul(rows, normal) : rows, [0]).reshape(shape);
    });
    if (!needs[0]) return [null, ...sums];
    const g = gamma === null ? rows : mul(rows, gamma.reshape([gamma.size]));
    // dx = invStd·(g − mean(g) − normal·mean(g·normal)).
    const along = mul(normal, mean(mul(g, normal), [1], true));
    const dx = mul(sub(sub(g, mean(g, [1], true)), along), invStd);
    return [dx.reshape(x.shape), ...sums];
  },
};
