/** @file The define-by-run graph: variables, nodes, and the one place where an op is applied and recorded. */
import { check, describe, instanceOf, list, refuse } from "../core/checks.js";
import type { DType } from "../core/dtype.js";
import { ArgumentError, DisposedError, GradientError, ScopeError, ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { isThenable, OWNED, type Owner, Scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { AnyOp, Needs, OpDef } from "../ops/op.js";

/** An array that backward will read although others may write into it, with its version when it was saved. */
export interface Watched {
  readonly array: NDArray;
  readonly version: number;
}

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
  /**
   * Arrays of the saved state that forward made for it: freed with it. Others (inputs, the output, a module's) are not
   * the node's.
   */
  owned: readonly NDArray[];
  /** The other arrays of the saved state: inputs, the output, a module's. */
  watched: readonly Watched[];
  freed: boolean;
}

/** An array with a place in the graph. `Tensor` adds the methods. */
export class Variable {
  /** The values. */
  readonly data: NDArray;
  /** Whether backward passes leave a gradient here. */
  requiresGrad: boolean;
  /** Sum of the gradients of all backward passes since it was cleared; null before the first. */
  gradient: NDArray | null = null;
  /** The operation that made it, or null for a leaf. */
  node: Node | null = null;
  /** Ask for the gradient of a result, not of a leaf alone. */
  keepsGradient = false;
  #value: NDArray | null = null;
  #valueVersion = 0;

  constructor(data: NDArray, requiresGrad = false) {
    if (!(data instanceof NDArray))
      refuse("tensor", "data", "an NDArray", data, "tensor(values) makes a tensor of numbers");
    data.expectLive();
    this.data = data;
    this.requiresGrad = requiresGrad;
  }
  /** Extents, outermost first. */
  get shape(): Shape {
    return this.data.shape;
  }
  /** Element type. */
  get dtype(): DType {
    return this.data.dtype;
  }
  /** The real values: the data itself, or the codes times their step (made once, on demand). */
  get value(): NDArray {
    if (!this.data.coded) return this.data;
    const { version } = this.data.storage;
    if (!this.#value?.alive || this.#valueVersion !== version) {
      this.#value?.dispose();
      this.#value = this.data.dequantize();
      this.#valueVersion = version;
    }
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
function arraysIn(saved: unknown): NDArray[] {
  if (saved instanceof NDArray) return [saved];
  if (typeof saved !== "object" || saved === null) return [];
  const arrays: NDArray[] = [];
  for (const field of Object.values(saved)) {
    if (field instanceof NDArray) arrays.push(field);
    else if (Array.isArray(field)) arrays.push(...field.filter((item) => item instanceof NDArray));
  }
  return arrays;
}

/** Recording mode; changed by {@link withMode} alone, which restores it. */
const mode = { grad: true, trace: false };

/** True if ops are recorded for backward. */
export function gradEnabled(): boolean {
  return mode.grad;
}

function withMode<T>(change: Partial<typeof mode>, fn: () => T): T {
  if (typeof fn !== "function") refuse(change.grad === false ? "noGrad" : "traced", "body", "a function", fn);
  const before = { ...mode };
  Object.assign(mode, change);
  try {
    const result = fn();
    if (isThenable(result)) {
      result.then(undefined, () => undefined);
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
 * Applies an op: checks inputs, shapes and what forward gives, runs forward in a scope of its own, and records a node
 * if a gradient (or a trace) wants one.
 *
 * @param make wraps the output array as the caller's kind of variable
 * @throws ArgumentError for what is no op or no tensor; DisposedError; ShapeError if forward does not give what its
 * shape rule says
 */
export function applyOp<Attrs, Saved, V extends Variable>(
  make: (data: NDArray) => V,
  op: OpDef<Attrs, Saved>,
  inputs: readonly Variable[],
  attrs: Attrs,
): V {
  checkApplied(op, inputs);
  const recording = mode.grad && op.backward !== null;
  const coded = op.coded === true;
  const needs: boolean[] = [];
  const arrays: NDArray[] = [];
  let wanted = false;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    const need = recording && input.requiresGrad;
    if (need) wanted = true;
    needs.push(need);
    arrays.push(coded ? input.data : input.value);
  }
  const shape = op.shape(arrays, attrs);
  const inner = new Scope();
  let output: V;
  try {
    const { y, saved } = op.forward(arrays, attrs, { shape, needs });
    checkOutput(op.name, y, shape);
    // An op may hand an input through (identity, dropout in eval): the output is an array of its own all the same.
    inner.pass(y);
    output = make(arrays.includes(y) ? handedThrough(y, inner) : y);
    if (wanted) {
      const owned: NDArray[] = [];
      const watched: Watched[] = [];
      for (const array of arraysIn(saved)) {
        if (array.scope === inner) owned.push(array);
        else watched.push({ array, version: array.storage.version });
      }
      for (const array of owned) inner.pass(array);
      output.requiresGrad = true;
      output.node = { op, attrs, inputs, needs, output: output.data, saved, owned, watched, freed: false };
    } else if (mode.trace) {
      const rest = { output: output.data, saved: undefined, owned: [], watched: [], freed: true };
      output.node = { op, attrs, inputs, needs, ...rest };
    }
  } finally {
    inner.close();
  }
  return output;
}

/** An input as an output of its own. */
function handedThrough(y: NDArray, inner: Scope): NDArray {
  const alias = y.alias();
  inner.pass(alias);
  return alias;
}

function checkApplied(op: AnyOp, inputs: readonly Variable[]): void {
  if (typeof op?.forward !== "function" || typeof op.shape !== "function")
    refuse("apply", "op", "an op's definition", op);
  if (!Array.isArray(inputs)) check(op.name, "inputs", inputs, list);
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (!(input instanceof Variable)) {
      throw new ArgumentError({
        op: op.name,
        what: `input ${i} is not a tensor`,
        expected: "a Tensor",
        got: describe(input),
        hint: "tensor(values) makes one",
      });
    }
    if (!input.data.alive) refuseDisposed(op.name, i, input.data);
  }
}

/** What a kernel of the next op will trust: that an output is an array of the shape that the op's rule gave. */
function checkOutput(op: string, y: NDArray, shape: Shape): void {
  if (!(y instanceof NDArray)) refuse(op, "output of forward", "an NDArray as y", y);
  if (y.alive && sameShape(y.shape, shape)) return;
  throw new ShapeError({
    op,
    what: y.alive ? "output of forward" : "the output of forward was disposed of",
    expected: `${shapeText(shape)}, as its shape rule says`,
    got: shapeText(y.shape),
  });
}

/** Refuses a pass over a node that was freed, or whose saved arrays were written to or disposed of since. */
export function checkNode({ op, inputs, freed, watched }: Node): void {
  if (freed) {
    throw new GradientError({
      op: "backward",
      what: `the graph behind ${op.name} was already freed`,
      expected: "a graph that backward has not walked yet",
      got: "a second pass",
      hint: "use backward({ retainGraph: true }) on the first pass",
    });
  }
  for (const { array, version } of watched) {
    if (!array.alive || array.storage.version !== version) refuseChanged(op.name, inputs, array);
  }
}

function refuseChanged(op: string, inputs: readonly Variable[], array: NDArray): never {
  const position = inputs.findIndex(({ data }) => data.storage === array.storage);
  const name = (inputs[position] as { name?: string } | undefined)?.name;
  const place = position < 0 ? "an array" : `${name || `input ${position}`},`;
  throw new GradientError({
    op: "backward",
    what: `${place} ${array.dtype} ${shapeText(array.shape)}, that ${op} saved ${array.alive ? "was changed since" : "was disposed of"}`,
    expected: "the values of the forward pass",
    got: array.alive ? `others, written by ${array.storage.writer}` : "none",
    hint: "call backward() before the values change, or clone() them first",
  });
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
