/** @file Reductions over axes, in a fixed order that depends on the extents alone. */
import { ShapeError } from "../core/errors.js";
import { checkShape, type Shape, sameShape, shapeText, sizeOf, stridesOf } from "../core/shape.js";
import { kernelsFor } from "../kernels/engine.js";
import { expectArrays, expectAxes, expectKernel, expectShape, expectType, floatTypeOf } from "./checks.js";
import { convert } from "./convert.js";
import { divideBy } from "./elementwise.js";
import { checkPositions } from "./indexing.js";
import { checkBroadcast, permute } from "./movement.js";
import { NDArray, trustedAlias } from "./ndarray.js";

/** Kernels that reduce the middle axis of [outer, n, inner] to the same type. */
export type ReduceKernel = "f32_sum" | "f32_max" | "f32_min";

const REDUCTIONS = new Set(["f32_sum", "f32_max", "f32_min"]);
const ARGUMENTS = new Set(["f32_argmax", "f32_argmin"]);

/** The shape after reducing sorted, normalized axes. @throws ShapeError on axes that are not */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  checkShape("reduce", shape);
  expectAxes("reduce", axes, shape.length);
  return trustedReducedShape(shape, axes, keepDims);
}

function trustedReducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((extent, i) => (axes.includes(i) ? 1 : extent));
  return axes.length === shape.length ? [] : shape.filter((_, i) => !axes.includes(i));
}

/**
 * Reduces sorted, normalized axes. Neighbouring axes are reduced in one go; separate groups one after the other, the
 * last first.
 * @throws ShapeError on an extremum over no elements; DTypeError unless x is real; ArgumentError on another kernel
 */
export function reduceAxes(kernel: ReduceKernel, x: NDArray, axes: readonly number[], keepDims = false): NDArray {
  expectKernel(kernel, REDUCTIONS);
  const dtype = floatTypeOf(kernel.slice(4), x);
  expectAxes("reduce", axes, x.rank);
  const shape = trustedReducedShape(x.shape, axes, keepDims);
  if (kernel !== "f32_sum") checkNotEmpty(kernel.slice(4), x.shape, axes);
  if (axes.length === 0) return x.clone();
  const extents: number[] = [...x.shape];
  let current = x;
  try {
    for (let end = axes.length - 1; end >= 0; ) {
      let start = end;
      while (start > 0 && axes[start - 1] === axes[start] - 1) start--;
      const outer = sizeBetween(extents, 0, axes[start]);
      const n = sizeBetween(extents, axes[start], axes[end] + 1);
      const inner = sizeBetween(extents, axes[end] + 1, extents.length);
      const next = NDArray.empty([outer, inner], dtype);
      if (n === 0) next.view().fill(0);
      else if (next.size > 0) kernelsFor(dtype)[kernel](current.ptr, next.ptr, outer, n, inner);
      extents.fill(1, axes[start], axes[end] + 1);
      if (current !== x) current.dispose();
      current = next;
      end = start - 1;
    }
    return trustedAlias(current, shape);
  } finally {
    if (current !== x) current.dispose();
  }
}

/** Number of elements of the axes from `start` on, before `end`. */
function sizeBetween(shape: Shape, start: number, end: number): number {
  let size = 1;
  for (let i = start; i < end; i++) size *= shape[i];
  return size;
}

/** @throws ShapeError if the axes hold no element while the result has some */
export function checkNotEmpty(op: string, shape: Shape, axes: readonly number[]): void {
  checkShape(op, shape);
  expectAxes(op, axes, shape.length);
  if (axes.some((axis) => shape[axis] === 0)) {
    throw new ShapeError({ op, what: "no elements", expected: "at least one along the axes", got: shapeText(shape) });
  }
}

/**
 * Mean over sorted, normalized axes: the sum divided by the number of elements; NaN if there is none.
 * @throws as {@link reduceAxes}
 */
export function mean(x: NDArray, axes: readonly number[], keepDims = false): NDArray {
  const sum = reduceAxes("f32_sum", x, axes, keepDims);
  try {
    return divideBy(sum, sizeOf(axes.map((axis) => x.shape[axis])));
  } finally {
    sum.dispose();
  }
}

/**
 * Adjoint of broadcasting: sums the gradient over the axes along which `shape` was repeated.
 * @throws ShapeError unless `shape` broadcasts to grad's
 */
export function sumTo(grad: NDArray, shape: Shape): NDArray {
  floatTypeOf("sum", grad);
  if (Array.isArray(shape) && sameShape(grad.shape, shape)) return grad.alias();
  checkBroadcast("sum", shape, grad.shape);
  const lead = grad.rank - shape.length;
  const axes = grad.shape.flatMap((extent, i) => (i < lead || (shape[i - lead] === 1 && extent !== 1) ? [i] : []));
  const sum = reduceAxes("f32_sum", grad, axes);
  try {
    return sum.reshape(shape);
  } finally {
    sum.dispose();
  }
}

/**
 * Positions of the first extremum over sorted, normalized axes (a NaN counts as the extremum).
 *
 * @returns `along`: i32 index within the reduced axes taken together, row-major; of the reduced shape
 * @throws ShapeError on bad axes or no elements; ArgumentError on another kernel
 */
export function argReduce(kernel: "f32_argmax" | "f32_argmin", x: NDArray, axes: readonly number[]): NDArray {
  expectKernel(kernel, ARGUMENTS);
  expectArrays(kernel.slice(4), x);
  const shape = reducedShape(x.shape, axes, false);
  checkNotEmpty(kernel.slice(4), x.shape, axes);
  using source = convert(x, x.dtype === "f32" ? "f32" : "f64");
  const { array, outer, n, inner } = gatherAxes(source, axes);
  using dense = array;
  const out = NDArray.empty(shape, "i32");
  if (out.size > 0) kernelsFor(dense.dtype)[kernel](dense.ptr, out.ptr, outer, n, inner);
  return out;
}

/** x with the reduced axes made neighbours: an alias if they are, else a copy with them last. */
function gatherAxes(x: NDArray, axes: readonly number[]): { array: NDArray; outer: number; n: number; inner: number } {
  const n = sizeOf(axes.map((axis) => x.shape[axis]));
  if (axes.length === 0) return { array: x.alias(), outer: x.size, n: 1, inner: 1 };
  const first = axes[0];
  const last = axes[axes.length - 1];
  if (last - first + 1 === axes.length) {
    return { array: x.alias(), outer: sizeOf(x.shape.slice(0, first)), n, inner: sizeOf(x.shape.slice(last + 1)) };
  }
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  return { array: permute(x, [...kept, ...axes]), outer: x.size / n, n, inner: 1 };
}

/**
 * Flat indices (i32) into an array of `shape` of the elements that {@link argReduce} found.
 * @throws DTypeError, ShapeError, ArgumentError
 */
export function flatPositions(along: NDArray, shape: Shape, axes: readonly number[]): NDArray {
  checkShape("flatPositions", shape);
  expectType("flatPositions", "along", along, "i32");
  expectShape("flatPositions", "along", along, reducedShape(shape, axes, false));
  checkPositions("flatPositions", along, sizeOf(axes.map((axis) => shape[axis])));
  const strides = stridesOf(shape);
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const out = NDArray.empty(along.shape, "i32");
  const from = along.view();
  const to = out.view();
  for (let i = 0; i < from.length; i++) {
    to[i] = offsetOf(i, kept, shape, strides) + offsetOf(from[i], axes, shape, strides);
  }
  return out;
}

/** Offset of the `index`-th (row-major) combination of positions along some axes. */
function offsetOf(index: number, axes: readonly number[], shape: Shape, strides: readonly number[]): number {
  let rest = index;
  let offset = 0;
  for (let k = axes.length - 1; k >= 0; k--) {
    const extent = shape[axes[k]];
    offset += (rest % extent) * strides[axes[k]];
    rest = Math.floor(rest / extent);
  }
  return offset;
}

/** Σ x² of a real array, in f64. */
export function sumSquares(x: NDArray): number {
  return kernelsFor(x.dtype).f32_sum_squares(x.ptr, x.size);
}

/** How many elements of a real array are NaN or infinite. */
export function countNonFinite(x: NDArray): number {
  return kernelsFor(x.dtype).f32_count_nonfinite(x.ptr, x.size);
}
