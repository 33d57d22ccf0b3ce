/** @file Matrix products. */
import { linear as linearOp } from "../../ops/linalg.js";
import { expectTensor } from "../graph.js";
import { apply, type Tensor } from "../tensor.js";

/**
 * Matrix product, or a stack of them, out[…,m,n] = Σ_k a[…,m,k]·b[…,k,n]. A vector on the left is a row, on the right a
 * column, and its axis is dropped again.
 * @param a [..., M, K] or [K]
 * @param b [..., K, N] or [K]
 * @returns [..., M, N]; batch axes broadcast
 * @gradient exact
 * @throws ShapeError if K or the batch axes differ; DTypeError unless both are f32 or both f64
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  expectTensor("matmul", a);
  return a.matmul(b);
}

/**
 * Fully connected layer, y = x·Wᵀ + b.
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out] or none
 * @returns [..., out]
 * @gradient exact
 * @throws ShapeError if the features do not match; DTypeError unless all are of one real type
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return apply(linearOp, bias === undefined || bias === null ? [x, weight] : [x, weight, bias], undefined);
}
