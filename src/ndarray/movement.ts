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
import { NDArray, trustedAlias, trustedEmpty } from "./ndarray.js";
import { withInts } from "./scratch.js";

/** Extents and strides with extents of 1 dropped and neighbours that run on merged; never of rank 0. */
function compact(shape: Shape, strides: readonly number[]): { shape: number[]; strides: number[] } {
  const out = { shape: [] as number[], strides: [] as number[] };
  for (let i = 0; i < shape.length; i++) {
    const extent = shape[i];
    if (extent === 1) continue;
    const last = out.shape.length - 1;
    if (last >= 0 && out.strides[last] === strides[i] * extent) {
      out.shape[last] *= extent;
      out.strides[last] = strides[i];
    } else {
      out.shape.push(extent);
      out.strides.push(strides[i]);
    }
  }
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

const anyInteger = integer();
const anyExtent = integer(0);

/** True for a list of so many integers. */
function areIntegers(list: readonly number[], length: number): boolean {
  if (!Array.isArray(list) || list.length !== length) return false;
  for (let i = 0; i < length; i++) if (!Number.isSafeInteger(list[i])) return false;
  return true;
}

/** Refuses places offset + Σ iₖ·stridesₖ that are not all within an array of `size` elements. @throws ShapeError */
function checkPlaces(op: string, size: number, offset: number, shape: Shape, strides: readonly number[]): void {
  check(op, "offset", offset, anyInteger);
  if (!areIntegers(strides, shape.length)) check(op, "strides", strides, listOf(anyInteger, shape.length));
  let least = offset;
  let most = offset;
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
  return trustedCopy(x, offset, shape.slice(), strides);
}

/** {@link stridedCopy} of places that lie within x. @param shape becomes the copy's own */
function trustedCopy(x: NDArray, offset: number, shape: Shape, strides: readonly number[]): NDArray {
  const out = trustedEmpty(shape, x.dtype, x.step);
  try {
    moveStrided("copy", x.ptr + offset * bytesPer(x.dtype), out.ptr, x, shape, strides);
  } catch (error) {
    out.dispose();
    throw error;
  }
  return out;
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
  check(op, "rank", rank, anyExtent);
  const normal: number[] = [];
  let distinct = true;
  // By index: a hole is no axis.
  for (let i = 0; i < axes.length; i++) {
    const axis = normalizeAxis(op, axes[i], rank);
    if (normal.includes(axis)) distinct = false;
    normal.push(axis);
  }
  if (normal.length !== rank || !distinct) {
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
  return trustedPermute(x, checkPermutation("permute", axes, x.rank));
}

/** {@link permute} by a permutation that was checked. */
export function trustedPermute(x: NDArray, order: readonly number[]): NDArray {
  const own = stridesOf(x.shape);
  const shape: number[] = [];
  const strides: number[] = [];
  let last = -1;
  let moves = false;
  for (const axis of order) {
    shape.push(x.shape[axis]);
    strides.push(own[axis]);
    if (x.shape[axis] === 1) continue;
    if (axis < last) moves = true;
    last = axis;
  }
  return moves ? trustedCopy(x, 0, shape, strides) : trustedAlias(x, shape);
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
  return trustedBroadcast(x, shape);
}

/** {@link broadcastTo} extents that were checked. */
export function trustedBroadcast(x: NDArray, shape: Shape): NDArray {
  if (sameShape(x.shape, shape)) return trustedAlias(x);
  const own = stridesOf(x.shape);
  const lead = shape.length - x.rank;
  const strides = shape.map((_, i) => (i < lead || x.shape[i - lead] === 1 ? 0 : own[i - lead]));
  return trustedCopy(x, 0, shape.slice(), strides);
}

/** @throws ShapeError unless `from` broadcasts to exactly `to` */
export function checkBroadcast(op: string, from: Shape, to: Shape): void {
  checkShape(op, from);
  checkShape(op, to);
  const lead = to.length - from.length;
  let fits = lead >= 0;
  for (let i = 0; fits && i < from.length; i++) fits = from[i] === 1 || from[i] === to[lead + i];
  if (!fits) {
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
  check(op, "extent", extent, anyExtent);
  if (range === null || range === undefined) return { start: 0, count: extent, step: 1 };
  if (!Array.isArray(range) || range.length > 3) refuse(op, "range", "null or [start, stop, step]", range);
  const first = range[0];
  const last = range[1];
  const step = range[2] === undefined ? 1 : range[2];
  if (step === 0 || !(Number.isInteger(first ?? 0) && Number.isInteger(last ?? 0) && Number.isInteger(step))) {
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

const RANGE: OptionRules<ResolvedRange> = { start: anyInteger, count: anyExtent, step: anyInteger };

/** Where a slice starts in the block of an array of `shape`, and its strides. @throws ArgumentError unless there is a range for each axis */
function sliceLayout(shape: Shape, ranges: readonly ResolvedRange[]): { offset: number; strides: number[] } {
  check("slice", "ranges", ranges, listOf(record, shape.length));
  for (const range of ranges) checkOptions("slice", range, RANGE, ["start", "count", "step"]);
  return trustedLayout(shape, ranges);
}

function trustedLayout(shape: Shape, ranges: readonly ResolvedRange[]): { offset: number; strides: number[] } {
  const strides = stridesOf(shape);
  let offset = 0;
  for (let i = 0; i < ranges.length; i++) {
    const { start, count, step } = ranges[i];
    if (count !== 0) offset += start * strides[i];
    strides[i] *= step;
  }
  return { offset, strides };
}

/** {@link slice} by what {@link resolveRange} gave for each axis of x: all of it lies within. */
export function trustedSlice(x: NDArray, ranges: readonly ResolvedRange[]): NDArray {
  const { offset, strides } = trustedLayout(x.shape, ranges);
  return trustedCopy(
    x,
    offset,
    ranges.map((range) => range.count),
    strides,
  );
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
