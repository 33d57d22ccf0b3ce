/** @file Tensor: an array with a gradient. The fluent methods call the ops; the functions of the same names call these. */
import { check, either, instanceOf, numeric } from "../core/checks.js";
import { checkDType, type DType, isFloat, type TypedArray } from "../core/dtype.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { normalizeAxis } from "../core/shape.js";
import { untrack } from "../memory/scope.js";
import type { SliceRange } from "../ndarray/movement.js";
import { NDArray } from "../ndarray/ndarray.js";
import { formatArray } from "../ndarray/print.js";
import * as comparing from "../ops/compare.js";
import * as arithmetic from "../ops/elementwise.js";
import { matmul } from "../ops/linalg.js";
import * as moving from "../ops/movement.js";
import type { OpDef } from "../ops/op.js";
import * as reducing from "../ops/reduce.js";
import { logSoftmax, softmax } from "../ops/softmax.js";
import * as functions from "../ops/unary.js";
import { type BackwardOptions, backward } from "./backward.js";
import { composed } from "./composed.js";
import { applyOp, expectTensor, Variable } from "./graph.js";

/** Numbers nested as deep as the rank; a scalar is a bare number. */
export type NestedArray = number | readonly NestedArray[];

/** What functions take where a tensor is wanted: numbers become scalars of the other operand's type. */
export type TensorLike = Tensor | number;

/** One axis of an index: a number picks and drops the axis, the rest is as in {@link SliceRange}. */
export type Index = number | SliceRange;

/** Axes of a reduction: one, several, or all if undefined; negative ones count from the end. */
export type Axes = number | readonly number[] | undefined;

/**
 * A dense row-major array that remembers how it was made, so that `backward()` can find gradients.
 *
 * Its memory belongs to the innermost `scope` that was open when it was made, or to the caller if there was none.
 */
export class Tensor extends Variable {
  /** Number of elements. */
  get size(): number {
    return this.data.size;
  }
  /** Number of axes. */
  get rank(): number {
    return this.data.shape.length;
  }
  /** The accumulated gradient as a tensor on the same memory, or null. */
  get grad(): Tensor | null {
    return this.gradient?.alive ? new Tensor(this.gradient) : null;
  }
  /** The only element as a number. @throws ShapeError if there is not exactly one */
  item(): number {
    return this.data.item();
  }
  /** A copy of the real values (of codes times step, if coded) as a typed array. */
  toTypedArray(): TypedArray {
    return this.value.toTypedArray();
  }
  /** A copy of the real values as nested arrays. */
  toArray(): NestedArray {
    const flat = this.toTypedArray();
    const nest = (axis: number, offset: number, stride: number): NestedArray => {
      if (axis === this.rank) return flat[offset];
      const inner = stride / this.shape[axis];
      return Array.from({ length: this.shape[axis] }, (_, i) => nest(axis + 1, offset + i * inner, inner));
    };
    return nest(0, 0, this.size);
  }
  /** Prints as NumPy prints. */
  override toString(): string {
    return formatArray(this.value);
  }

  /**
   * Adds the gradient of this tensor into every leaf that wants one.
   *
   * @param seed gradient of the final result with respect to this one, same shape; default 1 for a single element
   * @throws GradientError without history, for several elements without a seed, or on a graph that was freed
   */
  backward(seed?: Tensor | null, options?: BackwardOptions): void {
    if (seed !== undefined && seed !== null) check("backward", "seed", seed, instanceOf(Tensor, "a Tensor"));
    backward(this, seed?.value, options);
  }
  /** The same memory without history. */
  detach(): Tensor {
    return new Tensor(this.data.alias());
  }
  /** Keep this result's gradient too, not only that of leaves. */
  retainGrad(): this {
    this.keepsGradient = true;
    return this;
  }
  /** Marks a leaf as wanting a gradient. @throws ArgumentError for integer tensors */
  requireGrad(wanted = true): this {
    if (wanted && !isFloat(this.dtype)) {
      throw new ArgumentError({
        op: "requireGrad",
        what: "not a real tensor",
        expected: "f32 or f64",
        got: this.dtype,
        hint: 'convert it with cast("f32")',
      });
    }
    this.requiresGrad = wanted;
    return this;
  }
  /** Forgets the gradient and frees it. */
  zeroGrad(): void {
    this.gradient?.dispose();
    this.gradient = null;
  }
  /** Takes the tensor's data and gradient out of every scope: they live until `dispose()`. History stays where it is. */
  persist(): this {
    untrack(this.data);
    if (this.gradient !== null) untrack(this.gradient);
    return this;
  }
  /** Frees the array and its gradient. A second call does nothing. */
  dispose(): void {
    this.zeroGrad();
    this.dropValue();
    this.data.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  // ---- arithmetic, broadcasting as NumPy does; details at the functions of the same names ----------------------------

  /** this + other. @gradient exact */
  add(other: TensorLike): Tensor {
    return applyPair(arithmetic.add, this, other);
  }
  /** this − other. @gradient exact */
  sub(other: TensorLike): Tensor {
    return applyPair(arithmetic.sub, this, other);
  }
  /** this · other, elementwise. @gradient exact */
  mul(other: TensorLike): Tensor {
    return applyPair(arithmetic.mul, this, other);
  }
  /** this / other. @gradient exact */
  div(other: TensorLike): Tensor {
    return applyPair(arithmetic.div, this, other);
  }
  /** this ^ exponent. @gradient exact */
  pow(exponent: TensorLike): Tensor {
    return applyPair(arithmetic.pow, this, exponent);
  }
  /** Larger of two. @gradient exact (to this where equal) */
  maximum(other: TensorLike): Tensor {
    return applyPair(arithmetic.maximum, this, other);
  }
  /** Smaller of two. @gradient exact (to this where equal) */
  minimum(other: TensorLike): Tensor {
    return applyPair(arithmetic.minimum, this, other);
  }
  /** Product of (stacks of) matrices [..., M, K]·[..., K, N]. @gradient exact */
  matmul(other: Tensor): Tensor {
    return matmulVectors(this, other);
  }

  // ---- comparison, as bool; no gradient -----------------------------------------------------------------------------

  /** this = other. @gradient none */
  equal(other: TensorLike): Tensor {
    return applyPair(comparing.equal, this, other);
  }
  /** this ≠ other; true for NaN. @gradient none */
  notEqual(other: TensorLike): Tensor {
    return applyPair(comparing.notEqual, this, other);
  }
  /** this < other. @gradient none */
  less(other: TensorLike): Tensor {
    return applyPair(comparing.less, this, other);
  }
  /** this ≤ other. @gradient none */
  lessEqual(other: TensorLike): Tensor {
    return applyPair(comparing.lessEqual, this, other);
  }
  /** this > other. @gradient none */
  greater(other: TensorLike): Tensor {
    return applyPair(comparing.greater, this, other);
  }
  /** this ≥ other. @gradient none */
  greaterEqual(other: TensorLike): Tensor {
    return applyPair(comparing.greaterEqual, this, other);
  }

  // ---- elementwise functions ----------------------------------------------------------------------------------------

  /** −x. @gradient exact */
  neg(): Tensor {
    return apply(functions.neg, [this], undefined);
  }
  /** |x|. @gradient exact (0 at 0) */
  abs(): Tensor {
    return apply(functions.abs, [this], undefined);
  }
  /** e^x. @gradient exact */
  exp(): Tensor {
    return apply(functions.exp, [this], undefined);
  }
  /** Natural logarithm. @gradient exact */
  log(): Tensor {
    return apply(functions.log, [this], undefined);
  }
  /** √x. @gradient exact */
  sqrt(): Tensor {
    return apply(functions.sqrt, [this], undefined);
  }
  /** tanh x. @gradient exact */
  tanh(): Tensor {
    return apply(functions.tanh, [this], undefined);
  }
  /** 1/(1 + e^−x). @gradient exact */
  sigmoid(): Tensor {
    return apply(functions.sigmoid, [this], undefined);
  }
  /** max(x, 0). @gradient exact (0 at 0) */
  relu(): Tensor {
    return apply(functions.relu, [this], undefined);
  }
  /** min(max(x, lo), hi). @gradient exact (1 on [lo, hi]) */
  clip(lo: number, hi: number): Tensor {
    return apply(comparing.clip, [this], { lo, hi });
  }
  /** e^x / Σ e^x along an axis, the last by default. @gradient exact */
  softmax(axis = -1): Tensor {
    return apply(softmax, [this], { axis });
  }
  /** x − ln Σ e^x along an axis, the last by default. @gradient exact */
  logSoftmax(axis = -1): Tensor {
    return apply(logSoftmax, [this], { axis });
  }

  // ---- reductions ---------------------------------------------------------------------------------------------------

  /** Σ x over axes, all by default. @gradient exact */
  sum(axis?: Axes, keepDims = false): Tensor {
    return apply(reducing.sum, [this], { axis, keepDims });
  }
  /** Mean over axes, all by default. @gradient exact */
  mean(axis?: Axes, keepDims = false): Tensor {
    return apply(reducing.mean, [this], { axis, keepDims });
  }
  /** Largest over axes, all by default. @gradient exact (to the first largest) */
  max(axis?: Axes, keepDims = false): Tensor {
    return apply(reducing.max, [this], { axis, keepDims });
  }
  /** Smallest over axes, all by default. @gradient exact (to the first smallest) */
  min(axis?: Axes, keepDims = false): Tensor {
    return apply(reducing.min, [this], { axis, keepDims });
  }
  /** Index (i32) of the first largest. @gradient none */
  argmax(axis?: Axes, keepDims = false): Tensor {
    return apply(reducing.argmax, [this], { axis, keepDims });
  }
  /** Index (i32) of the first smallest. @gradient none */
  argmin(axis?: Axes, keepDims = false): Tensor {
    return apply(reducing.argmin, [this], { axis, keepDims });
  }

  // ---- shape and place ----------------------------------------------------------------------------------------------

  /** The same elements under another shape, one extent may be −1. @gradient exact */
  reshape(shape: readonly number[]): Tensor {
    return apply(moving.reshape, [this], { shape });
  }
  /** Axes start … end (default 1 … last) merged into one. @gradient exact */
  flatten(start = 1, end = -1): Tensor {
    if (this.rank === 0) return this.reshape([1]);
    const from = normalizeAxis("flatten", start, this.rank);
    const to = normalizeAxis("flatten", end, this.rank);
    if (to < from) throw new ShapeError({ op: "flatten", what: "axes out of order", got: `${from} to ${to}` });
    const merged = this.shape.slice(from, to + 1).reduce((size, extent) => size * extent, 1);
    return this.reshape([...this.shape.slice(0, from), merged, ...this.shape.slice(to + 1)]);
  }
  /** Axes in a new order. @gradient exact */
  permute(axes: readonly number[]): Tensor {
    return apply(moving.permute, [this], { axes });
  }
  /** Two axes exchanged, the last two by default. @gradient exact */
  transpose(a = -2, b = -1): Tensor {
    const axes = this.shape.map((_, i) => i);
    const [i, j] = [normalizeAxis("transpose", a, this.rank), normalizeAxis("transpose", b, this.rank)];
    [axes[i], axes[j]] = [axes[j], axes[i]];
    return this.permute(axes);
  }
  /** Part of each axis: a number picks and drops it, [start, stop, step] cuts, null takes all. @gradient exact */
  slice(...index: readonly Index[]): Tensor {
    if (!index.some((item) => typeof item === "number"))
      return apply(moving.slice, [this], { ranges: index as readonly SliceRange[] });
    const ranges = index.map((item, axis): SliceRange => {
      if (typeof item !== "number") return item;
      const at = normalizeAxis("slice", item, this.shape[axis] ?? 0);
      return [at, at + 1];
    });
    return composed(() => {
      const cut = apply(moving.slice, [this], { ranges });
      return cut.reshape(cut.shape.filter((_, axis) => typeof index[axis] !== "number"));
    });
  }
  /** The elements in another type. Real to integer truncates and saturates. @gradient exact between real types, else none */
  cast(dtype: DType): Tensor {
    checkDType("cast", dtype);
    if (isFloat(dtype)) return apply(moving.cast, [this], { dtype });
    return apply(moving.toInteger, [this], { dtype });
  }
}

const OPERAND = either(instanceOf(Tensor, "a tensor"), numeric);

/** Applies an op to tensors, recording it for backward. */
export function apply<Attrs, Saved>(op: OpDef<Attrs, Saved>, inputs: readonly Variable[], attrs: Attrs): Tensor {
  return applyOp(tensorOf, op, inputs, attrs);
}
const tensorOf = (data: NDArray): Tensor => new Tensor(data);

/** Applies an op of two operands, one of which may be a number: it becomes a scalar of the other's type. */
export function applyPair<Saved>(op: OpDef<undefined, Saved>, a: TensorLike, b: TensorLike): Tensor {
  if (typeof a !== "number" && typeof b !== "number") return apply(op, [a, b], undefined);
  const [left, right] = asTensors(op.name, a, b);
  let node: unknown = null;
  try {
    const out = apply(op, [left, right], undefined);
    node = out.node;
    return out;
  } finally {
    // Nobody else can free the scalars that were made here, unless a history holds them.
    if (node === null) for (const [i, made] of [left, right].entries()) if (made !== [a, b][i]) made.dispose();
  }
}

/** Two operands as tensors: a number as {@link scalarFor} the other. @throws ArgumentError for what is neither */
export function asTensors(op: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  check(op, "operand", a, OPERAND);
  check(op, "operand", b, OPERAND);
  return [typeof a === "number" ? scalarFor(a, b) : a, typeof b === "number" ? scalarFor(b, a) : b];
}

/** A number as a scalar that goes with `other`: f64 beside f64, f32 beside f32, codes and numbers, exact f64 beside integers. */
export function scalarFor(value: number, other: TensorLike): Tensor {
  if (typeof other === "number" || other.data.coded || other.dtype === "f32") {
    return new Tensor(NDArray.full([], value, "f32"));
  }
  return new Tensor(NDArray.full([], value, "f64"));
}

/** matmul with NumPy's rule for vectors: a vector on the left is a row, on the right a column, and that axis is dropped again. */
function matmulVectors(a: Tensor, b: Tensor): Tensor {
  expectTensor("matmul", a);
  expectTensor("matmul", b);
  if (a.rank === 1 || b.rank === 1) return composed(() => vectorProduct(a, b));
  return apply(matmul, [a, b], undefined);
}

function vectorProduct(a: Tensor, b: Tensor): Tensor {
  const left = a.rank === 1 ? a.reshape([1, a.shape[0]]) : a;
  const right = b.rank === 1 ? b.reshape([b.shape[0], 1]) : b;
  const out = apply(matmul, [left, right], undefined);
  const batch = out.shape.slice(0, -2);
  return out.reshape([
    ...batch,
    ...(left === a ? [out.shape[out.rank - 2]] : []),
    ...(right === b ? [out.shape[out.rank - 1]] : []),
  ]);
}
