/** @file Arrays moved about: strided copies, and transpose, broadcast, slice, concat and pad in terms of them. */
import {
  check,
  checkOptions,
  describe,
  integer,
  list,
  listOf,
  type OptionRules,
  record,
  refuse,
} from "../core/checks.js";
import { bytesPer, elementOf } from "../core/dtype.js";
import { ArgumentError, DTypeError, ShapeError } from "../core/errors.js";
import { checkShape, normalizeAxis, type Shape, sameShape, shapeText, sizeOf, stridesOf } from "../core/shape.js";
import type { Ptr } from "../kernels/abi.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import { expectArrays, expectShape, filled } from "./checks.js";
import { NDArray } from "./ndarray.js";
import { withInts } from "./scratch.js";

/** Extents and strides with extents of 1 dropped and neighbours that run on merged; never of rank 0. */
function compact(shape: Shape, strides: readonly number[]): { shape: number[]; strides: number[] } {
  const out = { shape: [] as number[], strides: [] as number[] };
  shape.forEach((extent, i) => {
    if (extent === 1) return;
    const last = out.shape.length - 1;
    if (last >= 0 && out.strides[last] === strides[i] * extent) {
      out.shape[last] *= extent;
      out.strides[last] = strides[i];
    } else {
      out.shape.push(extent);
      out.strides.push(strides[i]);
    }
  });
  return out.shape.length === 0 ? { shape: [1], strides: [1] } : out;
}

function moveStrided(
  direction: "copy" | "scatter",
  from: Ptr,
  to: Ptr,
  x: NDArray,
  shape: Shape,
  strides: readonly number[],
): void {
  const size = sizeOf(shape);
  if (size === 0) return;
  const bytes = bytesPer(x.dtype);
  const dims = compact(shape, strides);
  if (dims.shape.length === 1 && dims.strides[0] === 1) {
    heap()
      .u8(to, size * bytes)
      .set(heap().u8(from, size * bytes));
    return;
  }
  const kernels = kernelsFor(x.dtype);
  withInts([...dims.shape, ...dims.strides], (dimsPtr) => {
    if (direction === "copy") {
      if (bytes === 4) kernels.b32_strided_copy(from, to, dims.shape.length, dimsPtr);
      else if (bytes === 1) kernels.b8_strided_copy(from, to, dims.shape.length, dimsPtr);
      else kernels.b64_strided_copy(from, to, dims.shape.length, dimsPtr);
    } else if (bytes === 4) kernels.b32_strided_scatter(from, to, dims.shape.length, dimsPtr);
    else if (bytes === 1) kernels.b8_strided_scatter(from, to, dims.shape.length, dimsPtr);
    else kernels.b64_strided_scatter(from, to, dims.shape.length, dimsPtr);
  });
}

/** Refuses places offset + Σ iₖ·stridesₖ that are not all within an array of `size` elements. @throws ShapeError */
function checkPlaces(op: string, size: number, offset: number, shape: Shape, strides: readonly number[]): void {
  check(op, "offset", offset, integer());
  check(op, "strides", strides, listOf(integer(), shape.length));
  let [least, most] = [offset, offset];
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 0) return;
    const span = (shape[i] - 1) * strides[i];
    if (span < 0) least += span;
    else most += span;
  }
  if (least >= 0 && most < size) return;
  throw new ShapeError({
    op,
    what: "places outside the array",
    expected: `integers in [0, ${size - 1}]`,
    got: `offset ${offset} and strides ${shapeText(strides)} over ${shapeText(shape)}`,
  });
}

/**
 * A dense copy of the elements at offset + Σ iₖ·stridesₖ of x, for every index i of `shape`.
 * @throws ShapeError if one lies outside x
 */
export function stridedCopy(x: NDArray, offset: number, shape: Shape, strides: readonly number[]): NDArray {
  expectArrays("stridedCopy", x);
  checkShape("stridedCopy", shape);
  checkPlaces("stridedCopy", x.size, offset, shape, strides);
  return filled(NDArray.empty(shape, x.dtype, x.step), (out) =>
    moveStrided("copy", x.ptr + offset * bytesPer(x.dtype), out.ptr, x, shape, strides),
  );
}

/**
 * Writes the dense x to positions offset + Σ iₖ·stridesₖ of `out`, leaving the others alone.
 * @throws DTypeError if the types differ; ShapeError if a position lies outside `out`
 */
export function stridedScatter(x: NDArray, out: NDArray, offset: number, strides: readonly number[]): void {
  expectArrays("stridedScatter", x, out);
  if (x.dtype !== out.dtype) {
    throw new DTypeError({ op: "stridedScatter", what: "types differ", expected: out.dtype, got: x.dtype });
  }
  checkPlaces("stridedScatter", out.size, offset, x.shape, strides);
  moveStrided("scatter", x.ptr, out.ptr + offset * bytesPer(x.dtype), x, x.shape, strides);
  out.touch("stridedScatter");
}

/** @throws ShapeError unless `axes` holds every axis once; negative ones count from the end */
export function checkPermutation(op: string, axes: readonly number[], rank: number): number[] {
  check(op, "axes", axes, list);
  check(op, "rank", rank, integer(0));
  const normal = Array.from(axes, (axis) => normalizeAxis(op, axis, rank));
  if (normal.length !== rank || new Set(normal).size !== rank) {
    throw new ShapeError({
      op,
      what: "not a permutation",
      expected: `each of ${rank} axes once`,
      got: shapeText(axes),
    });
  }
  return normal;
}

/** Axes in a new order: out.shape[k] = x.shape[axes[k]]. @returns a copy, or an alias if no element moves */
export function permute(x: NDArray, axes: readonly number[]): NDArray {
  expectArrays("permute", x);
  const order = checkPermutation("permute", axes, x.rank);
  const shape = order.map((axis) => x.shape[axis]);
  const strides = stridesOf(x.shape);
  const moving = order.filter((axis) => x.shape[axis] !== 1);
  if (moving.every((axis, i) => i === 0 || axis > moving[i - 1])) return x.alias(shape);
  return stridedCopy(
    x,
    0,
    shape,
    order.map((axis) => strides[axis]),
  );
}

/** The permutation that undoes `axes`. @throws ShapeError unless they are one */
export function inversePermutation(axes: readonly number[]): number[] {
  check("permute", "axes", axes, list);
  const inverse = new Array<number>(axes.length);
  checkPermutation("permute", axes, axes.length).forEach((axis, i) => {
    inverse[axis] = i;
  });
  return inverse;
}

/** x repeated along axes of extent 1 and new leading axes. @throws ShapeError if the shapes do not broadcast */
export function broadcastTo(x: NDArray, shape: Shape): NDArray {
  expectArrays("broadcastTo", x);
  checkBroadcast("broadcastTo", x.shape, shape);
  if (sameShape(x.shape, shape)) return x.alias();
  const own = stridesOf(x.shape);
  const lead = shape.length - x.rank;
  const strides = shape.map((_, i) => (i < lead || x.shape[i - lead] === 1 ? 0 : own[i - lead]));
  return stridedCopy(x, 0, shape, strides);
}

/** @throws ShapeError unless `from` broadcasts to exactly `to` */
export function checkBroadcast(op: string, from: Shape, to: Shape): void {
  checkShape(op, from);
  checkShape(op, to);
  const lead = to.length - from.length;
  if (lead < 0 || from.some((extent, i) => extent !== 1 && extent !== to[lead + i])) {
    throw new ShapeError({
      op,
      what: "shape does not broadcast",
      expected: `extents equal to those of ${shapeText(to)} or 1`,
      got: shapeText(from),
    });
  }
}

/** One axis of a slice: null takes all; [start, stop, step] as in Python (negative counts from the end, null is open). */
export type SliceRange = null | readonly [start?: number | null, stop?: number | null, step?: number];

/** A slice of one axis with everything filled in: elements start, start+step, …, `count` of them. */
export interface ResolvedRange {
  readonly start: number;
  readonly count: number;
  readonly step: number;
}

/** Fills in and clamps one axis's range as Python does. @throws ArgumentError on a step of 0 or a fraction */
export function resolveRange(op: string, range: SliceRange, extent: number): ResolvedRange {
  check(op, "extent", extent, integer(0));
  if (range !== null && range !== undefined && (!Array.isArray(range) || range.length > 3))
    refuse(op, "range", "null or [start, stop, step]", range);
  const [first, last, step = 1] = range ?? [];
  if (step === 0 || ![first ?? 0, last ?? 0, step].every(Number.isInteger)) {
    throw new ArgumentError({
      op,
      what: "bad range",
      expected: "integers [start, stop, step] with step ≠ 0",
      got: `[${[first, last, step].map(describe).join(",")}]`,
    });
  }
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? extent : extent - 1;
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + extent : at, low), high);
  const start = first === undefined || first === null ? (step > 0 ? low : high) : clamp(first);
  const stop = last === undefined || last === null ? (step > 0 ? high : low) : clamp(last);
  return { start, count: Math.max(0, Math.ceil((stop - start) / step)), step };
}

const RANGE: OptionRules<ResolvedRange> = { start: integer(), count: integer(0), step: integer() };

/** Where a slice starts in the block of an array of `shape`, and its strides. @throws ArgumentError unless there is a range for each axis */
function sliceLayout(shape: Shape, ranges: readonly ResolvedRange[]): { offset: number; strides: number[] } {
  check("slice", "ranges", ranges, listOf(record, shape.length));
  for (const range of ranges) checkOptions("slice", range, RANGE, ["start", "count", "step"]);
  const own = stridesOf(shape);
  return {
    offset: ranges.reduce((sum, range, i) => sum + (range.count === 0 ? 0 : range.start * own[i]), 0),
    strides: ranges.map((range, i) => range.step * own[i]),
  };
}

/** The elements at start + k·step of every axis. @returns a copy @throws ArgumentError, ShapeError if one lies outside x */
export function slice(x: NDArray, ranges: readonly ResolvedRange[]): NDArray {
  expectArrays("slice", x);
  const { offset, strides } = sliceLayout(x.shape, ranges);
  return stridedCopy(
    x,
    offset,
    ranges.map((range) => range.count),
    strides,
  );
}

/** Adjoint of {@link slice}: an array of `shape`, zero but for the sliced places, which hold `part`. @throws ArgumentError, ShapeError */
export function unslice(part: NDArray, shape: Shape, ranges: readonly ResolvedRange[]): NDArray {
  expectArrays("slice", part);
  checkShape("slice", shape);
  const { offset, strides } = sliceLayout(shape, ranges);
  const counts = ranges.map((range) => range.count);
  expectShape("slice", "part", part, counts);
  return filled(NDArray.zeros(shape, part.dtype), (out) => stridedScatter(part, out, offset, strides));
}

/** Arrays of one type (and step, if coded), joined along `axis`, along which alone they may differ. @throws ArgumentError, ShapeError, DTypeError */
export function concat(arrays: readonly NDArray[], axis: number): NDArray {
  check("concat", "arrays", arrays, list);
  expectArrays("concat", ...arrays);
  const [{ dtype, step, rank }] = arrays;
  const at = normalizeAxis("concat", axis, rank);
  const shape = concatShape("concat", arrays, at);
  const typeOf = (array: NDArray): string => (array.step === null ? array.dtype : `codes of step ${array.step}`);
  const other = arrays.find((array) => array.dtype !== dtype || array.step !== step);
  if (other !== undefined) {
    throw new DTypeError({ op: "concat", what: "types differ", expected: typeOf(arrays[0]), got: typeOf(other) });
  }
  return filled(NDArray.empty(shape, dtype, step), (out) => {
    const strides = stridesOf(shape);
    let offset = 0;
    for (const array of arrays) {
      // An empty part may begin at the very end.
      if (array.size > 0) stridedScatter(array, out, offset * strides[at], strides);
      offset += array.shape[at];
    }
  });
}

/** Shape of {@link concat}; `axis` normalized. Codes count as the real values that they stand for. */
export function concatShape(op: string, arrays: readonly NDArray[], axis: number): number[] {
  check(op, "arrays", arrays, list);
  expectArrays(op, ...arrays);
  const first = arrays[0];
  const along = normalizeAxis(op, axis, first.rank);
  const shape = [...first.shape];
  const typeOf = (array: NDArray): string => (array.coded ? "f32" : array.dtype);
  for (const array of arrays.slice(1)) {
    if (typeOf(array) !== typeOf(first)) {
      throw new DTypeError({ op, what: "types differ", expected: typeOf(first), got: typeOf(array) });
    }
    if (array.rank !== first.rank || array.shape.some((extent, i) => i !== along && extent !== first.shape[i])) {
      throw new ShapeError({
        op,
        what: "shapes differ",
        expected: `${shapeText(first.shape)} but for axis ${along}`,
        got: shapeText(array.shape),
      });
    }
    shape[along] += array.shape[along];
  }
  return shape;
}

/** @throws ArgumentError unless there is a pair of integers ≥ 0 for each of `rank` axes */
export function checkPads(op: string, pads: readonly (readonly [number, number])[], rank: number): void {
  if (listOf(listOf(integer(0), 2), rank)(pads) === null) return;
  throw new ArgumentError({
    op,
    what: "bad pads",
    expected: `[before, after] for each of ${rank} axes, integers ≥ 0`,
    got: inFull(pads),
  });
}

/** A value with the items of short lists, nested ones too. */
function inFull(value: unknown): string {
  return Array.isArray(value) && value.length <= 8 ? `[${Array.from(value, inFull).join(",")}]` : describe(value);
}

/**
 * x with `pads[i] = [before, after]` elements of `value` around axis i. A coded array stays coded if value is 0.
 * @throws ArgumentError on bad pads, or a value that the type cannot hold
 */
export function pad(x: NDArray, pads: readonly (readonly [number, number])[], value: number): NDArray {
  expectArrays("pad", x);
  checkPads("pad", pads, x.rank);
  using source = value === 0 ? x.alias() : x.dequantize();
  const element = elementOf("pad", source.dtype, value);
  const shape = x.shape.map((extent, i) => pads[i][0] + extent + pads[i][1]);
  return filled(NDArray.empty(shape, source.dtype, source.step), (out) => {
    out.view().fill(element);
    if (source.size === 0) return;
    const strides = stridesOf(shape);
    stridedScatter(
      source,
      out,
      pads.reduce((sum, [before], i) => sum + before * strides[i], 0),
      strides,
    );
  });
}
