/** @file Tensor: an array with a gradient, and how ops are applied to tensors. */
import { check, either, instanceOf, numeric } from "../core/checks.js";
import { DISPOSE } from "../core/dispose.js";
import { isFloat, type TypedArray } from "../core/dtype.js";
import { ArgumentError } from "../core/errors.js";
import { INSPECT } from "../core/inspect.js";
import { shapeText } from "../core/shape.js";
import { untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { formatArray } from "../ndarray/print.js";
import { matmul } from "../ops/linalg.js";
import type { OpDef } from "../ops/op.js";
import { type BackwardOptions, backward } from "./backward.js";
import { composed } from "./composed.js";
import { Fluent } from "./fluent.js";
import { applyOp, expectTensor, type Variable } from "./graph.js";

export type { Axes, Index } from "./fluent.js";

/** Numbers nested as deep as the rank; a scalar is a bare number. */
export type NestedArray = number | readonly NestedArray[];

/** What functions take where a tensor is wanted: numbers become scalars of the other operand's type. */
export type TensorLike = Tensor | number;

/**
 * A dense row-major array that remembers how it was made, so that `backward()` can find gradients.
 *
 * Its memory belongs to the innermost `scope` that was open when it was made, or to the caller if there was none.
 */
export class Tensor extends Fluent<Tensor> {
  /** Number of elements. */
  get size(): number {
    return this.data.size;
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
  /** What `console.log` shows: type, shape and values. */
  [INSPECT](): string {
    const { dtype, shape, alive } = this.data;
    const traits = [
      ...(this.data.coded ? [`codes of step ${this.data.step}`] : []),
      ...(this.requiresGrad ? ["requires a gradient"] : []),
      ...(alive ? [] : ["disposed of"]),
    ];
    const head = `Tensor ${dtype} ${shapeText(shape)}${traits.length > 0 ? ` (${traits.join(", ")})` : ""}`;
    return alive ? `${head}\n${this}` : head;
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
  /**
   * Takes the tensor's data and gradient out of every scope: they live until `dispose()`. History stays where it is.
   */
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
  [DISPOSE](): void {
    this.dispose();
  }

  /** Product of (stacks of) matrices [..., M, K]·[..., K, N]. @gradient exact */
  matmul(other: Tensor): Tensor {
    return matmulVectors(this, other);
  }
  protected override resultOf<Attrs, Saved>(op: OpDef<Attrs, Saved>, attrs: Attrs): Tensor {
    return apply(op, [this], attrs);
  }
  protected override pairedBy<Saved>(op: OpDef<undefined, Saved>, other: TensorLike): Tensor {
    return applyPair(op, this, other);
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
    if (node === null) for (const [i, operand] of [left, right].entries()) if (operand !== [a, b][i]) operand.dispose();
  }
}

/** Two operands as tensors: a number as {@link scalarFor} the other. @throws ArgumentError for what is neither */
export function asTensors(op: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  check(op, "operand", a, OPERAND);
  check(op, "operand", b, OPERAND);
  return [typeof a === "number" ? scalarFor(a, b) : a, typeof b === "number" ? scalarFor(b, a) : b];
}

/**
 * A number as a scalar that goes with `other`: f64 beside f64, f32 beside f32, codes and numbers, exact f64 beside
 * integers.
 */
function scalarFor(value: number, other: TensorLike): Tensor {
  if (typeof other === "number" || other.data.coded || other.dtype === "f32") {
    return new Tensor(NDArray.full([], value, "f32"));
  }
  return new Tensor(NDArray.full([], value, "f64"));
}

/**
 * matmul with NumPy's rule for vectors: a vector on the left is a row, on the right a column, and that axis is dropped
 * again.
 */
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
