/** @file Selection by integer indices. */
import { describe } from "../../core/checks.js";
import type { TypedArray } from "../../core/dtype.js";
import { ArgumentError } from "../../core/errors.js";
import * as indexing from "../../ops/indexing.js";
import { apply, type Tensor } from "../tensor.js";
import { withIndices } from "./indices.js";

/** Indices given as a tensor of integers, or as a list of numbers or a typed array. */
export type Indices = Tensor | readonly number[] | TypedArray;

/**
 * Whole slices of x along an axis, in the order of the indices, out[…, k, …] = x[…, indices[k], …].
 * @param indices i32, any rank; negative counts from the end
 * @param axis default 0
 * @returns x's shape with that extent replaced by the indices' shape
 * @gradient exact for x: adds up over repeated indices
 * @throws DTypeError unless the indices are integers; ArgumentError on one out of range
 */
export function indexSelect(x: Tensor, indices: Indices, axis = 0): Tensor {
  return withIndices("indexSelect", indices, (at) => apply(indexing.indexSelect, [x, at], { axis }));
}

/**
 * One element for every index: out[i,j,…] = x[…] at [i,j,…] with the index put in place of coordinate `axis`.
 * @param indices i32, of x's rank; negative counts from the end
 * @returns the indices' shape
 * @gradient exact for x: adds up over repeated indices
 * @throws DTypeError unless the indices are integers; ShapeError if they do not fit; ArgumentError on one out of range
 */
export function gather(x: Tensor, axis: number, indices: Tensor): Tensor {
  return apply(indexing.gather, [x, indices], { axis });
}

/**
 * Rows of the identity matrix: 1 at each index, 0 elsewhere.
 * @param classes length of a row, ≥ 1
 * @returns [...indices.shape, classes]
 * @gradient none
 * @throws DTypeError unless the indices are integers; ArgumentError on one outside 0 … classes−1
 */
export function oneHot(indices: Indices, classes: number, dtype: "f32" | "f64" = "f32"): Tensor {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new ArgumentError({ op: "oneHot", what: "bad classes", expected: "an integer ≥ 1", got: describe(classes) });
  }
  return withIndices("oneHot", indices, (at) => apply(indexing.oneHot, [at], { classes, dtype }));
}
