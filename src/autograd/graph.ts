/** @file The define-by-run graph: variables, nodes, and the one place where an op is applied and recorded. */
import { check, instanceOf } from "../core/checks.js";
import type { DType } from "../core/dtype.js";
import { DisposedError, GradientError, ScopeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { OWNED, type Owner, Scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { AnyOp, Needs, OpDef } from "../ops/op.js";

/** How an output came about; what backward and export walk over. */
export interface Node {
  readonly op: AnyOp;
  readonly attrs: unknown;
  readonly inputs: readonly Variable[];
  readonly needs: Needs;
  /** The result's array: an op may save it, and only its owner frees it. */
  readonly output: NDArray;
  /** State for backward; undefined once it was freed. */
  saved: unknown;
  /** Arrays of the saved state that forward made for it: freed with it. Others (inputs, the output, a module's) are not the node's. */
  owned: readonly NDArray[];
  freed: boolean;
}

/** An array with a place in the graph. `Tensor` adds the methods. */
export class Variable {
  readonly data: NDArray;
  requiresGrad: boolean;
  /** Sum of the gradients of all backward passes since it was cleared; null before the first. */
  gradient: NDArray | null = null;
  node: Node | null = null;
  /** Ask for the gradient of a result, not of a leaf alone. */
  keepsGradient = false;
  #value: NDArray | null = null;

  constructor(data: NDArray, requiresGrad = false) {
    this.data = data;
    this.requiresGrad = requiresGrad;
  }
  get shape(): Shape {
    return this.data.shape;
  }
  get dtype(): DType {
    return this.data.dtype;
  }
  /** The real values: the data itself, or the codes times their step (made once, on demand). */
  get value(): NDArray {
    if (!this.data.coded) return this.data;
    if (this.#value === null || !this.#value.alive) this.#value = this.data.dequantize();
    return this.#value;
  }
  /** Frees the real values that were made from codes; they are made again on demand. */
  protected dropValue(): void {
    this.#value?.dispose();
    this.#value = null;
  }
  /** All arrays that must live for this variable, its gradient and its history to be usable. */
  *[OWNED](): Iterable<Owner> {
    const seen = new Set<Variable>();
    const pending: Variable[] = [this];
    for (let variable = pending.pop(); variable !== undefined; variable = pending.pop()) {
      if (seen.has(variable)) continue;
      seen.add(variable);
      yield variable.data;
      if (variable.gradient !== null) yield variable.gradient;
      if (variable.#value !== null) yield variable.#value;
      if (variable.node === null || variable.node.freed) continue;
      yield* arraysIn(variable.node.saved);
      pending.push(...variable.node.inputs);
    }
  }
}

const TENSOR = instanceOf(Variable, "a tensor");

/** Refuses what is no tensor, in functions that look at one before an op does. @throws ArgumentError */
export function expectTensor(op: string, x: Variable): void {
  check(op, "input", x, TENSOR);
}

/** The arrays among the fields of an op's saved state. */
export function arraysIn(saved: unknown): NDArray[] {
  if (saved instanceof NDArray) return [saved];
  if (typeof saved !== "object" || saved === null) return [];
  const found: NDArray[] = [];
  for (const field of Object.values(saved)) {
    if (field instanceof NDArray) found.push(field);
    else if (Array.isArray(field)) found.push(...field.filter((item) => item instanceof NDArray));
  }
  return found;
}

/** Recording mode; changed by {@link withMode} alone, which restores it. */
const mode = { grad: true, trace: false };

/** True if ops are recorded for backward. */
export function gradEnabled(): boolean {
  return mode.grad;
}

function withMode<T>(change: Partial<typeof mode>, fn: () => T): T {
  const before = { ...mode };
  Object.assign(mode, change);
  try {
    const result = fn();
    if (result instanceof Promise) {
      result.catch(() => undefined);
      throw new ScopeError({
        op: change.grad === false ? "noGrad" : "traced",
        what: "async function",
        expected: "a synchronous function",
        got: "a promise",
        hint: "await outside: other code would run in this mode",
      });
    }
    return result;
  } finally {
    Object.assign(mode, before);
  }
}

/** Runs `fn` without recording: nothing is saved and results have no history. Synchronous. */
export function noGrad<T>(fn: () => T): T {
  return withMode({ grad: false }, fn);
}

/** Runs `fn` recording every op, also those that no gradient reaches: how a model's graph is read for export. */
export function traced<T>(fn: () => T): T {
  return withMode({ trace: true }, fn);
}

/**
 * Applies an op: checks shapes, runs forward in a scope of its own, and records a node if a gradient (or a trace) wants one.
 *
 * @param make wraps the output array as the caller's kind of variable
 */
export function applyOp<Attrs, Saved, V extends Variable>(
  make: (data: NDArray) => V,
  op: OpDef<Attrs, Saved>,
  inputs: readonly Variable[],
  attrs: Attrs,
): V {
  for (let i = 0; i < inputs.length; i++)
    if (!(inputs[i] instanceof Variable)) check(op.name, `input ${i}`, inputs[i], TENSOR);
  const recording = mode.grad && op.backward !== null;
  const needs = inputs.map((input) => recording && input.requiresGrad);
  const wanted = needs.includes(true);
  for (const [i, { data }] of inputs.entries()) if (!data.alive) refuseDisposed(op.name, i, data);
  const arrays = inputs.map((input) => (op.coded ? input.data : input.value));
  const shape = op.shape(arrays, attrs);
  const inner = new Scope();
  let output: V;
  try {
    const { y, saved } = op.forward(arrays, attrs, { shape, needs });
    // An op may hand an input through (identity, dropout in eval): the output is an array of its own all the same.
    inner.keep(y);
    output = make(arrays.includes(y) ? inner.keep(y.alias()) : y);
    if (wanted) {
      const owned = arraysIn(saved).filter((array) => array.scope === inner);
      for (const array of owned) inner.keep(array);
      output.requiresGrad = true;
      output.node = { op, attrs, inputs, needs, output: output.data, saved, owned, freed: false };
    } else if (mode.trace) {
      output.node = { op, attrs, inputs, needs, output: output.data, saved: undefined, owned: [], freed: true };
    }
  } finally {
    inner.close();
  }
  return output;
}

/** Refuses a backward pass through a variable that has none. */
export function checkDifferentiable(variable: Variable): void {
  if (!variable.requiresGrad) {
    throw new GradientError({
      op: "backward",
      what: "no gradient reaches this tensor",
      expected: "a result of parameters or of tensors with requiresGrad",
      got: "a tensor without history",
      hint: "was it made inside noGrad() or detached?",
    });
  }
}

function refuseDisposed(op: string, position: number, { dtype, shape }: NDArray): never {
  throw new DisposedError({
    op,
    what: `input ${position}, ${dtype} ${shapeText(shape)}, was disposed of`,
    expected: "a live tensor",
    got: "one whose scope has closed or that was disposed of",
    hint: "return it from its scope, or keep() it",
  });
}
