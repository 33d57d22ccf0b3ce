/** @file Selection by integer indices. Gradients of repeated indices add up. */

import { check, integer, oneOf } from "../core/checks.js";
import { normalizeAxis } from "../core/shape.js";
import { checkIndices } from "../ndarray/convert.js";
import { gatherPositions, oneHot as oneHotOf, selectPositions, take } from "../ndarray/indexing.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { addAt } from "../ndarray/pool.js";
import type { OpDef } from "./op.js";

/** Whole slices along an axis, in the order of the indices. Inputs: x, indices (any rank). */
export const indexSelect: OpDef<{ readonly axis: number }, { at: NDArray }> = {
  name: "indexSelect",
  coded: true,
  shape: ([x, indices], { axis }) => {
    checkIndices("indexSelect", indices);
    const at = normalizeAxis("indexSelect", axis, x.rank);
    return [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
  },
  forward: ([x, indices], { axis }) => {
    const at = selectPositions(x.shape, normalizeAxis("indexSelect", axis, x.rank), indices);
    return { y: take(x, at), saved: { at } };
  },
  backward: (dy, { at }, _attrs, { inputs: [x] }) => [addAt(dy, at, x.shape), null],
};

/** out[i,j,…] = x[i, indices[i,j,…], …] with the index put in place of `axis`. Inputs: x, indices (of x's rank). */
export const gather: OpDef<{ readonly axis: number }, { at: NDArray }> = {
  name: "gather",
  coded: true,
  shape: ([x, indices], { axis }) => {
    checkIndices("gather", indices);
    normalizeAxis("gather", axis, x.rank);
    return indices.shape;
  },
  forward: ([x, indices], { axis }) => {
    const at = gatherPositions(x.shape, normalizeAxis("gather", axis, x.rank), indices);
    return { y: take(x, at), saved: { at } };
  },
  backward: (dy, { at }, _attrs, { inputs: [x] }) => [addAt(dy, at, x.shape), null],
};

/** Rows of the identity matrix. */
export const oneHot: OpDef<{ readonly classes: number; readonly dtype: "f32" | "f64" }, null> = {
  name: "oneHot",
  coded: true,
  shape: ([indices], { classes, dtype }) => {
    checkIndices("oneHot", indices);
    check("oneHot", "classes", classes, integer(1));
    check("oneHot", "dtype", dtype, oneOf("f32", "f64"));
    return [...indices.shape, classes];
  },
  forward: ([indices], { classes, dtype }) => ({ y: oneHotOf(indices, classes, dtype), saved: null }),
  backward: null,
};
