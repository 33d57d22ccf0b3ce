/**
 * @file Products of fully connected layers: rows by a transposed matrix, real or codes, and the gradient for the
 * matrix.
 */
import { ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { kernelsFor } from "../kernels/engine.js";
import { expectFactor, expectRank, expectType, filled, floatTypeOf } from "./checks.js";
import { linearCodes } from "./convolve/codes.js";
import { realCodes } from "./convolve/packed.js";
import { codesAsReal, gemm, rowsOf } from "./matmul.js";
import { NDArray } from "./ndarray.js";

/** @throws ShapeError unless x is [..., in] and weight [out, in] */
function checkFeatures(x: NDArray, weight: NDArray): void {
  expectRank("linear", "weight", weight, 2, "[out, in]");
  if (rowsOf(x).columns === weight.shape[1]) return;
  const got = `${shapeText(x.shape)} and ${shapeText(weight.shape)}`;
  throw new ShapeError({ op: "linear", what: "feature mismatch", expected: "[..., in] and [out, in]", got });
}

/**
 * Rows times a transposed matrix, y = x·Wᵀ, the product of a fully connected layer.
 *
 * @param x [..., in]
 * @param weight [out, in]
 * @returns [..., out]
 * @throws DTypeError unless both are real of one type; ShapeError
 */
export function rowsTimesTransposed(x: NDArray, weight: NDArray): NDArray {
  const dtype = floatTypeOf("linear", x, weight);
  checkFeatures(x, weight);
  const { rows, columns } = rowsOf(x);
  return filled(NDArray.empty([...x.shape.slice(0, -1), weight.shape[0]], dtype), (out) =>
    gemm(kernelsFor(dtype), x.ptr, weight.ptr, out.ptr, [rows, weight.shape[0], columns], { transB: true }),
  );
}

/**
 * Gradient of {@link rowsTimesTransposed} for the weight: dyᵀ·x, [out, in]; times the step if x is coded.
 *
 * @param x of dy's type, or u8 codes
 * @throws DTypeError; ShapeError unless both have as many rows
 */
export function transposedTimesRows(dy: NDArray, x: NDArray): NDArray {
  const dtype = floatTypeOf("linear", dy);
  expectFactor("linear", x, dtype);
  const { rows, columns } = rowsOf(x);
  const outputs = rowsOf(dy).columns;
  if (rowsOf(dy).rows !== rows) {
    const got = `${shapeText(dy.shape)} and ${shapeText(x.shape)}`;
    throw new ShapeError({ op: "linear", what: "numbers of rows differ", expected: "[..., out] and [..., in]", got });
  }
  const kernels = kernelsFor(dtype);
  const real = x.dtype === "u8" ? codesAsReal(x, dtype) : x;
  try {
    return filled(NDArray.empty([outputs, columns], dtype), (out) => {
      gemm(kernels, dy.ptr, real.ptr, out.ptr, [outputs, columns, rows], { transA: true });
      if (x.step !== null) kernels.f32_scale_shift(out.ptr, out.ptr, out.size, x.step, 0);
    });
  } finally {
    if (real !== x) real.dispose();
  }
}

/**
 * Exact integer accumulators of a fully connected layer on codes, Σ x_code·w_code, unscaled.
 *
 * Every partial sum is an integer; the result is exact, in any order of summation, while in·max|x|·max|w| ≤ 2²⁴.
 *
 * @param x u8 codes [..., in], with or without a step
 * @param weight i8 codes [out, in]
 * @returns f32 [..., out], whole numbers
 * @throws DTypeError, ShapeError
 */
export function linearForwardCodes(x: NDArray, weight: NDArray): NDArray {
  expectType("linear", "input", x, "u8");
  expectType("linear", "weight", weight, "i8");
  checkFeatures(x, weight);
  const integers = NDArray.empty([...x.shape.slice(0, -1), weight.shape[0]]);
  let done = integers.size === 0;
  if (!done) filled(integers, () => (done = linearCodes(x, weight, integers)));
  if (done) return integers;
  integers.dispose();
  using left = codesAsReal(x);
  using right = realCodes(weight);
  return rowsTimesTransposed(left, right);
}

/** dy·W in the shape of the input, for operands that fit. */
export function rowsTimes(dy: NDArray, weight: NDArray, shape: Shape): NDArray {
  const out = NDArray.empty(shape, dy.dtype);
  const { rows, columns } = rowsOf(dy);
  gemm(kernelsFor(dy.dtype), dy.ptr, weight.ptr, out.ptr, [rows, weight.shape[1], columns]);
  return out;
}

/**
 * sum ← sum + XᵀX of the first `count` rows of X, for operands that fit.
 * @param x f32 [rows, columns]
 * @param sum [columns, columns]
 */
export function addGram(sum: NDArray, x: NDArray, count: number): void {
  const columns = x.shape[1];
  gemm(kernelsFor(x.dtype), x.ptr, x.ptr, sum.ptr, [columns, columns, count], { transA: true, accumulate: true });
}
