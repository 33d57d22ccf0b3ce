/** @file Matrix products: gemm with its workspace, and batched matmul with broadcasting batch axes. */

import { check, checkOptions, flag, type OptionRules, oneOf } from "../core/checks.js";
import { bytesPer } from "../core/dtype.js";
import { ShapeError } from "../core/errors.js";
import { broadcastShapes, checkShape, type Shape, shapeText, sizeOf, stridesOf } from "../core/shape.js";
import type { Kernels, Ptr } from "../kernels/abi.js";
import { kernelsFor } from "../kernels/engine.js";
import { expectArrays, expectType, floatTypeOf } from "./checks.js";
import { NDArray } from "./ndarray.js";
import { withScratch } from "./scratch.js";

/** Choices of `gemm`. */
export interface GemmOptions {
  /** A is stored [K,M]. */
  transA?: boolean;
  /** B is stored [N,K]. */
  transB?: boolean;
  /** Add to C instead of overwriting it. */
  accumulate?: boolean;
}

/** C[M,N] = op(A)·op(B) (+ C) on raw addresses, with scratch taken and given back. */
export function gemm(
  kernels: Kernels,
  a: Ptr,
  b: Ptr,
  c: Ptr,
  [M, N, K]: readonly [number, number, number],
  { transA = false, transB = false, accumulate = false }: GemmOptions = {},
): void {
  if (M === 0 || N === 0) return;
  if (K === 0) {
    if (!accumulate) kernels.f32_fill(c, M * N, 0);
    return;
  }
  withScratch(kernels.f32_gemm_work(M, N, K), (work) =>
    kernels.f32_gemm(a, b, c, M, N, K, transA ? 1 : 0, transB ? 1 : 0, accumulate ? 1 : 0, 0, M, 0, N, work),
  );
}

/** Extents of a product of stacks of matrices. */
interface Product {
  readonly batch: readonly number[];
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

function product(a: Shape, b: Shape, { transA = false, transB = false }: GemmOptions): Product {
  checkShape("matmul", a);
  checkShape("matmul", b);
  return trustedProduct(a, b, transA, transB);
}

/** Of shapes that are arrays' own. */
function trustedProduct(a: Shape, b: Shape, transA: boolean, transB: boolean): Product {
  if (a.length < 2 || b.length < 2) refuseProduct(a, b, "operands are not matrices", "rank 2 or more");
  const [rowsA, columnsA] = [a[a.length - 2], a[a.length - 1]];
  const [rowsB, columnsB] = [b[b.length - 2], b[b.length - 1]];
  const K = transA ? rowsA : columnsA;
  if (K !== (transB ? columnsB : rowsB)) refuseProduct(a, b, "inner extents differ", "[…,M,K] and […,K,N]");
  const flat = a.length === 2 && b.length === 2;
  const batch = flat ? [] : broadcastShapes("matmul", a.slice(0, -2), b.slice(0, -2));
  return { batch, M: transA ? columnsA : rowsA, N: transB ? rowsB : columnsB, K };
}

function refuseProduct(a: Shape, b: Shape, what: string, expected: string): never {
  throw new ShapeError({ op: "matmul", what, expected, got: `${shapeText(a)} and ${shapeText(b)}` });
}

const PLAIN: GemmOptions = {};
const TRANSPOSED: OptionRules<Omit<GemmOptions, "accumulate">> = { transA: flag, transB: flag };
const ACCUMULATING: OptionRules<GemmOptions> = { ...TRANSPOSED, accumulate: flag };

/** Shape of {@link matmul}. @throws ShapeError */
export function matmulShape(a: Shape, b: Shape, options: GemmOptions = PLAIN): number[] {
  if (options !== PLAIN) checkOptions("matmul", options, ACCUMULATING);
  const { batch, M, N } = product(a, b, options);
  return [...batch, M, N];
}

/**
 * Product of stacks of matrices, op(A)·op(B) with broadcasting batch axes.
 *
 * @param a […,M,K], or […,K,M] with transA
 * @param b […,K,N], or […,N,K] with transB
 * @returns […,M,N]
 * @throws ShapeError, DTypeError
 */
export function matmul(a: NDArray, b: NDArray, options: Omit<GemmOptions, "accumulate"> = PLAIN): NDArray {
  if (options !== PLAIN) checkOptions("matmul", options, TRANSPOSED);
  const dtype = floatTypeOf("matmul", a, b);
  const extents = trustedProduct(a.shape, b.shape, options.transA ?? false, options.transB ?? false);
  const out = NDArray.empty([...extents.batch, extents.M, extents.N], dtype);
  try {
    multiplyStacks(a, b, out, extents, options);
  } catch (error) {
    out.dispose();
    throw error;
  }
  return out;
}

/** Shape of {@link matmul} of live arrays. @throws ShapeError */
export function matmulShapeOf(a: NDArray, b: NDArray): number[] {
  const { batch, M, N } = trustedProduct(a.shape, b.shape, false, false);
  return [...batch, M, N];
}

function multiplyStacks(a: NDArray, b: NDArray, out: NDArray, { batch, M, N, K }: Product, options: GemmOptions): void {
  const kernels = kernelsFor(out.dtype);
  const bytes = bytesPer(out.dtype);
  if (b.rank === 2 && !options.transA) {
    // One matrix on the right: the stack on the left is one tall matrix.
    gemm(kernels, a.ptr, b.ptr, out.ptr, [sizeOf(batch) * M, N, K], options);
    return;
  }
  const [stepsA, stepsB] = [a, b].map((item) => batchStrides(item.shape.slice(0, -2), batch));
  const extent = stridesOf(batch);
  for (let i = 0; i < sizeOf(batch); i++) {
    let [atA, atB] = [0, 0];
    batch.forEach((size, axis) => {
      const index = Math.floor(i / extent[axis]) % size;
      atA += index * stepsA[axis];
      atB += index * stepsB[axis];
    });
    const c = out.ptr + i * M * N * bytes;
    gemm(kernels, a.ptr + atA * M * K * bytes, b.ptr + atB * K * N * bytes, c, [M, N, K], options);
  }
}

/** Strides, in matrices, over the batch axes of a broadcast. */
function batchStrides(own: Shape, batch: Shape): number[] {
  const strides = stridesOf(own);
  const lead = batch.length - own.length;
  return batch.map((_, i) => (i < lead || own[i - lead] === 1 ? 0 : strides[i - lead]));
}

/** x as rows of its last axis: [rows, columns]. @throws ShapeError for a scalar */
export function rowsOf(x: NDArray): { rows: number; columns: number } {
  expectArrays("rows", x);
  if (x.rank === 0) throw new ShapeError({ op: "rows", what: "no axis", expected: "rank 1 or more", got: "[]" });
  const columns = x.shape[x.rank - 1];
  return { rows: columns === 0 ? sizeOf(x.shape.slice(0, -1)) : x.size / columns, columns };
}

/**
 * The codes of a u8 or i8 array as real integers, without the step.
 * @throws DTypeError for other arrays and other results than f32 and f64
 */
export function codesAsReal(codes: NDArray, dtype: "f32" | "f64" = "f32"): NDArray {
  expectType("codes", "codes", codes, "u8", "i8");
  check("codes", "dtype", dtype, oneOf("f32", "f64"));
  const out = NDArray.empty(codes.shape, dtype);
  const kernels = kernelsFor(dtype);
  if (codes.dtype === "i8") kernels.i8_dequantize(codes.ptr, out.ptr, codes.size, 1);
  else kernels.u8_dequantize(codes.ptr, out.ptr, codes.size, 1);
  return out;
}
