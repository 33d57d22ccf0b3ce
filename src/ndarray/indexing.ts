/**
 * @file Selection by integer indices. Positions are worked out once, so that gradients go back by one indexed addition.
 */
import { check, integer, oneOf } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { checkShape, normalizeAxis, type Shape, shapeText, sizeOf, stridesOf } from "../core/shape.js";
import { checkIndices, expectArrays, expectType } from "./checks.js";
import { NDArray } from "./ndarray.js";

/** Flat positions (i32) in x of every element that a selection takes. */
export type Positions = NDArray;

function checked(op: string, index: number, extent: number, at: number): number {
  const normal = index < 0 ? index + extent : index;
  if (normal < 0 || normal >= extent) {
    throw new ArgumentError({
      op,
      what: `index out of range at position ${at}`,
      expected: `an integer in [${-extent}, ${extent - 1}]`,
      got: `${index}`,
    });
  }
  return normal;
}

/**
 * Positions of whole slices of x along `axis`: result shape is x's with that extent replaced by the indices' shape.
 * @throws DTypeError unless the indices are integers; ArgumentError on one out of range; ShapeError on a bad axis
 */
export function selectPositions(shape: Shape, axis: number, indices: NDArray): Positions {
  checkShape("indexSelect", shape);
  const along = normalizeAxis("indexSelect", axis, shape.length);
  checkIndices("indexSelect", indices);
  const inner = sizeOf(shape.slice(along + 1));
  const outer = sizeOf(shape.slice(0, along));
  const extent = shape[along];
  const rows = Array.from(indices.view(), (index, i) => checked("indexSelect", index, extent, i));
  const out = NDArray.empty([...shape.slice(0, along), ...indices.shape, ...shape.slice(along + 1)], "i32");
  const to = out.view();
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const row of rows) {
      const base = (o * extent + row) * inner;
      for (let i = 0; i < inner; i++) to[at++] = base + i;
    }
  }
  return out;
}

/**
 * Positions of x[…, indices[…], …]: of indices' shape, whose extents but that of `axis` must not exceed x's.
 * @throws ShapeError; DTypeError unless the indices are integers; ArgumentError on one out of range
 */
export function gatherPositions(shape: Shape, axis: number, indices: NDArray): Positions {
  checkShape("gather", shape);
  const along = normalizeAxis("gather", axis, shape.length);
  checkIndices("gather", indices);
  if (indices.rank !== shape.length || indices.shape.some((extent, i) => i !== along && extent > shape[i])) {
    throw new ShapeError({
      op: "gather",
      what: "indices do not fit",
      expected: `rank ${shape.length} and extents within ${shapeText(shape)} but for axis ${along}`,
      got: shapeText(indices.shape),
    });
  }
  const picks = Array.from(indices.view(), (index, i) => checked("gather", index, shape[along], i));
  const strides = stridesOf(shape);
  const own = stridesOf(indices.shape);
  const out = NDArray.empty(indices.shape, "i32");
  const to = out.view();
  for (let i = 0; i < to.length; i++) {
    let offset = picks[i] * strides[along];
    for (let k = 0; k < own.length; k++) {
      if (k !== along) offset += (Math.floor(i / own[k]) % indices.shape[k]) * strides[k];
    }
    to[i] = offset;
  }
  return out;
}

/** Refuses positions that are not i32 or that lie outside `least` … size−1. @throws DTypeError, ArgumentError */
export function checkPositions(op: string, at: Positions, size: number, least = 0): void {
  expectType(op, "positions", at, "i32");
  const index = at.view();
  for (let i = 0; i < index.length; i++) {
    if (index[i] >= least && index[i] < size) continue;
    throw new ArgumentError({
      op,
      what: `position out of range at ${i}`,
      expected: `an integer in [0, ${size - 1}]`,
      got: `${index[i]}`,
    });
  }
}

/**
 * The elements of x at flat positions, in their shape. Codes stay codes.
 * @throws DTypeError, ArgumentError on a position outside x
 */
export function take(x: NDArray, at: Positions): NDArray {
  expectArrays("take", x);
  checkPositions("take", at, x.size);
  const out = NDArray.empty(at.shape, x.dtype, x.step);
  const from = x.view();
  const to = out.view();
  const index = at.view();
  for (let i = 0; i < to.length; i++) to[i] = from[index[i]];
  return out;
}

/**
 * Rows of the identity: 1 at each index, 0 elsewhere.
 * @throws DTypeError; ArgumentError on an index outside 0 … classes−1
 */
export function oneHot(indices: NDArray, classes: number, dtype: "f32" | "f64"): NDArray {
  checkIndices("oneHot", indices);
  check("oneHot", "classes", classes, integer(1));
  check("oneHot", "dtype", dtype, oneOf("f32", "f64"));
  const from = indices.view();
  from.forEach((index, i) => {
    if (index >= 0 && index < classes) return;
    throw new ArgumentError({
      op: "oneHot",
      what: `index out of range at position ${i}`,
      expected: `an integer in [0, ${classes - 1}]`,
      got: `${index}`,
    });
  });
  const out = NDArray.zeros([...indices.shape, classes], dtype);
  const to = out.view();
  indices.view().forEach((index, i) => {
    to[i * classes + index] = 1;
  });
  return out;
}
