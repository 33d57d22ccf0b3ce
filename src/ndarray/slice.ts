/** @file Slices: ranges as Python has them, filled in and cut out, and the adjoint. */
import { check, checkOptions, describe, integer, listOf, type OptionRules, record, refuse } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { checkShape, type Shape, stridesOf } from "../core/shape.js";
import { expectArrays, expectShape, filled } from "./checks.js";
import { NDArray } from "./ndarray.js";
import { stridedCopy, stridedScatter, trustedCopy } from "./strided.js";

const anyInteger = integer();
const anyExtent = integer(0);

/**
 * One axis of a slice: null takes all; [start, stop, step] as in Python (negative counts from the end, null is open).
 */
export type SliceRange = null | readonly [start?: number | null, stop?: number | null, step?: number];

/** A slice of one axis with everything filled in: elements start, start+step, …, `count` of them. */
export interface ResolvedRange {
  /** First index. */
  readonly start: number;
  /** How many indices. */
  readonly count: number;
  /** From one index to the next. */
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

/**
 * Where a slice starts in the block of an array of `shape`, and its strides.
 * @throws ArgumentError unless there is a range for each axis
 */
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

/**
 * The elements at start + k·step of every axis.
 * @returns a copy
 * @throws ArgumentError, ShapeError if one lies outside x
 */
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

/**
 * Adjoint of {@link slice}: an array of `shape`, zero but for the sliced places, which hold `part`.
 * @throws ArgumentError, ShapeError
 */
export function unslice(part: NDArray, shape: Shape, ranges: readonly ResolvedRange[]): NDArray {
  expectArrays("slice", part);
  checkShape("slice", shape);
  const { offset, strides } = sliceLayout(shape, ranges);
  const counts = ranges.map((range) => range.count);
  expectShape("slice", "part", part, counts);
  return filled(NDArray.zeros(shape, part.dtype), (out) => stridedScatter(part, out, offset, strides));
}
