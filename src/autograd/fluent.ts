/** @file The methods that tensors have of ops, each named as its function. */
import { checkDType, type DType, isFloat } from "../core/dtype.js";
import { ShapeError } from "../core/errors.js";
import { normalizeAxis } from "../core/shape.js";
import type { SliceRange } from "../ndarray/slice.js";
import * as comparing from "../ops/compare.js";
import * as arithmetic from "../ops/elementwise.js";
import * as moving from "../ops/movement.js";
import type { OpDef } from "../ops/op.js";
import * as reducing from "../ops/reduce.js";
import { logSoftmax, softmax } from "../ops/softmax.js";
import * as functions from "../ops/unary.js";
import { composed } from "./composed.js";
import { Variable } from "./graph.js";

/** One axis of an index: a number picks and drops the axis, the rest is as in {@link SliceRange}. */
export type Index = number | SliceRange;

/** Axes of a reduction: one, several, or all if undefined; negative ones count from the end. */
export type Axes = number | readonly number[] | undefined;

/**
 * A variable whose methods apply ops and give variables of the kind T, which is to be the class that extends this one.
 */
export abstract class Fluent<T extends Fluent<T>> extends Variable {
  /** Number of axes. */
  get rank(): number {
    return this.data.shape.length;
  }
  /** What an op of one input makes of this. */
  protected abstract resultOf<Attrs, Saved>(op: OpDef<Attrs, Saved>, attrs: Attrs): T;
  /** What an op of two inputs makes of this and another, which may be a number. */
  protected abstract pairedBy<Saved>(op: OpDef<undefined, Saved>, other: T | number): T;

  // ---- arithmetic, broadcasting as NumPy does; details at the functions of the same names
  // ----------------------------

  /** this + other. @gradient exact */
  add(other: T | number): T {
    return this.pairedBy(arithmetic.add, other);
  }
  /** this − other. @gradient exact */
  sub(other: T | number): T {
    return this.pairedBy(arithmetic.sub, other);
  }
  /** this · other, elementwise. @gradient exact */
  mul(other: T | number): T {
    return this.pairedBy(arithmetic.mul, other);
  }
  /** this / other. @gradient exact */
  div(other: T | number): T {
    return this.pairedBy(arithmetic.div, other);
  }
  /** this ^ exponent. @gradient exact */
  pow(exponent: T | number): T {
    return this.pairedBy(arithmetic.pow, exponent);
  }
  /** Larger of two. @gradient exact (to this where equal) */
  maximum(other: T | number): T {
    return this.pairedBy(arithmetic.maximum, other);
  }
  /** Smaller of two. @gradient exact (to this where equal) */
  minimum(other: T | number): T {
    return this.pairedBy(arithmetic.minimum, other);
  }

  // ---- comparison, as bool; no gradient -----------------------------------------------------------------------------

  /** this = other. @gradient none */
  equal(other: T | number): T {
    return this.pairedBy(comparing.equal, other);
  }
  /** this ≠ other; true for NaN. @gradient none */
  notEqual(other: T | number): T {
    return this.pairedBy(comparing.notEqual, other);
  }
  /** this < other. @gradient none */
  less(other: T | number): T {
    return this.pairedBy(comparing.less, other);
  }
  /** this ≤ other. @gradient none */
  lessEqual(other: T | number): T {
    return this.pairedBy(comparing.lessEqual, other);
  }
  /** this > other. @gradient none */
  greater(other: T | number): T {
    return this.pairedBy(comparing.greater, other);
  }
  /** this ≥ other. @gradient none */
  greaterEqual(other: T | number): T {
    return this.pairedBy(comparing.greaterEqual, other);
  }

  // ---- elementwise functions ----------------------------------------------------------------------------------------

  /** −x. @gradient exact */
  neg(): T {
    return this.resultOf(functions.neg, undefined);
  }
  /** |x|. @gradient exact (0 at 0) */
  abs(): T {
    return this.resultOf(functions.abs, undefined);
  }
  /** e^x. @gradient exact */
  exp(): T {
    return this.resultOf(functions.exp, undefined);
  }
  /** Natural logarithm. @gradient exact */
  log(): T {
    return this.resultOf(functions.log, undefined);
  }
  /** √x. @gradient exact */
  sqrt(): T {
    return this.resultOf(functions.sqrt, undefined);
  }
  /** tanh x. @gradient exact */
  tanh(): T {
    return this.resultOf(functions.tanh, undefined);
  }
  /** 1/(1 + e^−x). @gradient exact */
  sigmoid(): T {
    return this.resultOf(functions.sigmoid, undefined);
  }
  /** max(x, 0). @gradient exact (0 at 0) */
  relu(): T {
    return this.resultOf(functions.relu, undefined);
  }
  /** min(max(x, lo), hi). @gradient exact (1 on [lo, hi]) */
  clip(lo: number, hi: number): T {
    return this.resultOf(comparing.clip, { lo, hi });
  }
  /** e^x / Σ e^x along an axis, the last by default. @gradient exact */
  softmax(axis = -1): T {
    return this.resultOf(softmax, { axis });
  }
  /** x − ln Σ e^x along an axis, the last by default. @gradient exact */
  logSoftmax(axis = -1): T {
    return this.resultOf(logSoftmax, { axis });
  }

  // ---- reductions ---------------------------------------------------------------------------------------------------

  /** Σ x over axes, all by default. @gradient exact */
  sum(axis?: Axes, keepDims = false): T {
    return this.resultOf(reducing.sum, { axis, keepDims });
  }
  /** Mean over axes, all by default. @gradient exact */
  mean(axis?: Axes, keepDims = false): T {
    return this.resultOf(reducing.mean, { axis, keepDims });
  }
  /** Largest over axes, all by default. @gradient exact (to the first largest) */
  max(axis?: Axes, keepDims = false): T {
    return this.resultOf(reducing.max, { axis, keepDims });
  }
  /** Smallest over axes, all by default. @gradient exact (to the first smallest) */
  min(axis?: Axes, keepDims = false): T {
    return this.resultOf(reducing.min, { axis, keepDims });
  }
  /** Index (i32) of the first largest. @gradient none */
  argmax(axis?: Axes, keepDims = false): T {
    return this.resultOf(reducing.argmax, { axis, keepDims });
  }
  /** Index (i32) of the first smallest. @gradient none */
  argmin(axis?: Axes, keepDims = false): T {
    return this.resultOf(reducing.argmin, { axis, keepDims });
  }

  // ---- shape and place ----------------------------------------------------------------------------------------------

  /** The same elements under another shape, one extent may be −1. @gradient exact */
  reshape(shape: readonly number[]): T {
    return this.resultOf(moving.reshape, { shape });
  }
  /** Axes start … end (default 1 … last) merged into one. @gradient exact */
  flatten(start = 1, end = -1): T {
    if (this.rank === 0) return this.reshape([1]);
    const from = normalizeAxis("flatten", start, this.rank);
    const to = normalizeAxis("flatten", end, this.rank);
    if (to < from) throw new ShapeError({ op: "flatten", what: "axes out of order", got: `${from} to ${to}` });
    const merged = this.shape.slice(from, to + 1).reduce((size, extent) => size * extent, 1);
    return this.reshape([...this.shape.slice(0, from), merged, ...this.shape.slice(to + 1)]);
  }
  /** Axes in a new order. @gradient exact */
  permute(axes: readonly number[]): T {
    return this.resultOf(moving.permute, { axes });
  }
  /** Two axes exchanged, the last two by default. @gradient exact */
  transpose(a = -2, b = -1): T {
    const axes = this.shape.map((_, i) => i);
    const [i, j] = [normalizeAxis("transpose", a, this.rank), normalizeAxis("transpose", b, this.rank)];
    [axes[i], axes[j]] = [axes[j], axes[i]];
    return this.permute(axes);
  }
  /** Part of each axis: a number picks and drops it, [start, stop, step] cuts, null takes all. @gradient exact */
  slice(...index: readonly Index[]): T {
    if (!index.some((item) => typeof item === "number"))
      return this.resultOf(moving.slice, { ranges: index as readonly SliceRange[] });
    const ranges = index.map((item, axis): SliceRange => {
      if (typeof item !== "number") return item;
      const at = normalizeAxis("slice", item, this.shape[axis] ?? 0);
      return [at, at + 1];
    });
    return composed(() => {
      const cut = this.resultOf(moving.slice, { ranges });
      return cut.reshape(cut.shape.filter((_, axis) => typeof index[axis] !== "number"));
    });
  }
  /**
   * The elements in another type. Real to integer truncates and saturates.
   * @gradient exact between real types, else none
   */
  cast(dtype: DType): T {
    checkDType("cast", dtype);
    if (isFloat(dtype)) return this.resultOf(moving.cast, { dtype });
    return this.resultOf(moving.toInteger, { dtype });
  }
}
