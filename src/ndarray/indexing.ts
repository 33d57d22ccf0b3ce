/** @file Selection by integer indices. Positions are worked out once, so that gradients go back by one indexed addition. */
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, shapeText, sizeOf, stridesOf } from "../core/shape.js";
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

/** Positions of whole slices of x along `axis`: result shape is x's with that extent replaced by the indices' shape. */
export function selectPositions(shape: Shape, axis: number, indices: NDArray): Positions {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const extent = shape[axis];
  const out = NDArray.empty([...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)], "i32");
  const from = indices.view();
  const to = out.view();
  const rows = Array.from(from, (index, i) => checked("indexSelect", index, extent, i));
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const row of rows) {
      const base = (o * extent + row) * inner;
      for (let i = 0; i < inner; i++) to[at++] = base + i;
    }
  }
  return out;
}

/** Positions of x[…, indices[…], …]: of indices' shape, whose extents but that of `axis` must not exceed x's. @throws ShapeError */
export function gatherPositions(shape: Shape, axis: number, indices: NDArray): Positions {
  if (indices.rank !== shape.length || indices.shape.some((extent, i) => i !== axis && extent > shape[i])) {
    throw new ShapeError({
      op: "gather",
      what: "indices do not fit",
      expected: `rank ${shape.length} and extents within ${shapeText(shape)} but for axis ${axis}`,
      got: shapeText(indices.shape),
    });
  }
  const strides = stridesOf(shape);
  const own = stridesOf(indices.shape);
  const out = NDArray.empty(indices.shape, "i32");
  const from = indices.view();
  const to = out.view();
  for (let i = 0; i < to.length; i++) {
    let offset = checked("gather", from[i], shape[axis], i) * strides[axis];
    for (let k = 0; k < own.length; k++) {
      if (k !== axis) offset += (Math.floor(i / own[k]) % indices.shape[k]) * strides[k];
    }
    to[i] = offset;
  }
  return out;
}

/** The elements of x at flat positions, in their shape. Codes stay codes. */
export function take(x: NDArray, at: Positions): NDArray {
  const out = NDArray.empty(at.shape, x.dtype, x.step);
  const from = x.view();
  const to = out.view();
  const index = at.view();
  for (let i = 0; i < to.length; i++) to[i] = from[index[i]];
  return out;
}

/** Rows of the identity: 1 at each index, 0 elsewhere. @throws ArgumentError on an index outside 0 … classes−1 */
export function oneHot(indices: NDArray, classes: number, dtype: "f32" | "f64"): NDArray {
  const out = NDArray.zeros([...indices.shape, classes], dtype);
  const from = indices.view();
  const to = out.view();
  from.forEach((index, i) => {
    if (index < 0 || index >= classes) {
      throw new ArgumentError({
        op: "oneHot",
        what: `index out of range at position ${i}`,
        expected: `an integer in [0, ${classes - 1}]`,
        got: `${index}`,
      });
    }
    to[i * classes + index] = 1;
  });
  return out;
}
