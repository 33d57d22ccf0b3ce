/**
 * @file Reverse mode: the walk from a result to its leaves, with accumulation, un-broadcasting and freeing done here
 * once.
 */

import { check, checkOptions, flag, list, type OptionRules, refuse } from "../core/checks.js";
import type { DType } from "../core/dtype.js";
import { DTypeError, GradientError, ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { Scope, scope, untrack } from "../memory/scope.js";
import { trustedSum } from "../ndarray/elementwise.js";
import { NDArray, trustedAlias } from "../ndarray/ndarray.js";
import { sumTo } from "../ndarray/reduce.js";
import { addInPlace } from "../ndarray/update.js";
import { checkDifferentiable, checkNode, type Node, type Variable } from "./graph.js";

/** Choices of a backward pass. */
export interface BackwardOptions {
  /**
   * Keep saved arrays, so that backward can run again over the same graph. Default false: they are freed on the way.
   */
  retainGraph?: boolean;
}

/**
 * Variables that a gradient reaches, results before their inputs. Iterative: depth is bounded by memory, not by the
 * stack.
 */
function reverseOrder(root: Variable): Variable[] {
  const order: Variable[] = [];
  const seen = new Set<Variable>([root]);
  const path: { variable: Variable; next: number }[] = [{ variable: root, next: 0 }];
  while (path.length > 0) {
    const top = path[path.length - 1];
    const inputs = top.variable.node?.inputs ?? [];
    if (top.next === inputs.length) {
      order.push(top.variable);
      path.pop();
      continue;
    }
    const input = inputs[top.next];
    if (top.variable.node?.needs[top.next++] && !seen.has(input)) {
      seen.add(input);
      path.push({ variable: input, next: 0 });
    }
  }
  return order.reverse();
}

/** Sees the gradient of a leaf as soon as this pass has all of it; it is the pass's, to read at once. */
export type LeafWatcher = (leaf: Variable, gradient: NDArray) => void;

const NO_OPTIONS: BackwardOptions = {};
const OPTIONS: OptionRules<BackwardOptions> = { retainGraph: flag };

/**
 * Accumulates the gradient of `root` into every leaf that wants one.
 *
 * @param seed gradient of the final result with respect to `root`, of its shape; default 1 for a single element
 * @param seen is told of leaves on the way
 * @throws GradientError if `root` has no history, is not a single element and no seed is given, its graph was freed, or
 * an array that the graph saved was changed since; ShapeError, DTypeError for another seed. Gradients of leaves are
 * then as they were.
 */
export function backward(
  root: Variable,
  seed?: NDArray,
  options: BackwardOptions = NO_OPTIONS,
  seen?: LeafWatcher,
): void {
  if (options !== NO_OPTIONS) checkOptions("backward", options, OPTIONS);
  checkDifferentiable(root);
  if (seed === undefined && root.data.size !== 1) {
    throw new GradientError({
      op: "backward",
      what: "a result of several elements needs a seed",
      expected: "a single element, or backward(seed)",
      got: shapeText(root.shape),
      hint: "take a sum or a mean first",
    });
  }
  const dtype = root.dtype === "f64" ? "f64" : "f32";
  if (seed !== undefined) checkSeed(seed, root.shape, dtype);
  scope(() => {
    const gradients = new Map<Variable, NDArray>();
    gradients.set(root, seed === undefined ? NDArray.full(root.shape, 1, dtype) : seed.alias());
    const order = reverseOrder(root);
    for (const { node } of order) if (node !== null) checkNode(node);
    // Leaves are written to when nothing can fail any more.
    const leaves: [Variable, NDArray][] = [];
    for (const variable of order) {
      const gradient = gradients.get(variable);
      gradients.delete(variable);
      if (gradient === undefined) continue;
      if (variable.node === null || variable.keepsGradient) {
        checkAccumulates(variable, gradient);
        if (variable.node === null) seen?.(variable, gradient);
        leaves.push([variable, variable.node === null ? gradient : gradient.clone()]);
      }
      if (variable.node !== null) {
        propagate(variable.node, gradient, gradients, options.retainGraph ?? false);
        gradient.dispose();
      }
    }
    for (const [variable, gradient] of leaves) {
      accumulate(variable, gradient);
      gradient.dispose();
    }
  });
}

function checkSeed(seed: NDArray, shape: Shape, dtype: DType): void {
  if (!sameShape(seed.shape, shape)) {
    throw new ShapeError({ op: "backward", what: "seed", expected: shapeText(shape), got: shapeText(seed.shape) });
  }
  if (seed.dtype !== dtype) {
    throw new DTypeError({
      op: "backward",
      what: "element type of the seed",
      expected: `${dtype}, as the result has`,
      got: seed.dtype,
    });
  }
}

/** Refuses a gradient beside which another array was put in the leaf by hand. */
function checkAccumulates({ gradient: before }: Variable, gradient: NDArray): void {
  if (!before?.alive || (before.dtype === gradient.dtype && before.size === gradient.size)) return;
  throw new GradientError({
    op: "backward",
    what: "the tensor already holds a gradient of another kind",
    expected: `${gradient.dtype} ${shapeText(gradient.shape)}`,
    got: `${before.dtype} ${shapeText(before.shape)}`,
  });
}

/** Adds a gradient into a leaf. It lives as long as the leaf's data: a parameter's outlives every scope. */
function accumulate(variable: Variable, gradient: NDArray): void {
  if (variable.gradient?.alive) {
    addInPlace(variable.gradient, gradient);
    return;
  }
  // A block that nobody else views can be taken over as it is.
  const kept = gradient.storage.references === 1 ? gradient.alias() : gradient.clone();
  untrack(kept);
  variable.data.scope?.add(kept);
  variable.gradient = kept;
}

function propagate(node: Node, dy: NDArray, gradients: Map<Variable, NDArray>, retain: boolean): void {
  const { op, inputs, needs } = node;
  if (op.backward === null)
    throw new GradientError({ op: op.name, what: "internal: recorded without a backward rule" });
  const inner = new Scope();
  try {
    const grads = op.backward(dy, node.saved, node.attrs, { inputs: inputs, needs });
    if (!Array.isArray(grads)) check(op.name, "result of backward", grads, list);
    if (grads.length !== inputs.length) {
      throw new GradientError({
        op: op.name,
        what: "number of gradients from backward",
        expected: `${inputs.length}`,
        got: `${grads.length}`,
      });
    }
    for (let i = 0; i < inputs.length; i++) {
      if (needs[i]) receive(op.name, inputs[i], grads[i], gradients, inner);
    }
  } finally {
    inner.close();
  }
  if (!retain) {
    for (const array of node.owned) array.dispose();
    node.saved = undefined;
    node.owned = [];
    node.watched = [];
    node.freed = true;
  }
}

function receive(
  name: string,
  input: Variable,
  grad: NDArray | null,
  gradients: Map<Variable, NDArray>,
  inner: Scope,
): void {
  if (grad === null || grad === undefined) {
    throw new GradientError({ op: name, what: "backward gave no gradient for an input that needs one" });
  }
  if (!(grad instanceof NDArray)) refuse(name, "gradient", "an NDArray, or null", grad);
  const dtype = input.dtype === "f64" ? "f64" : "f32";
  if (grad.dtype !== dtype) {
    throw new GradientError({ op: name, what: "type of a gradient", expected: dtype, got: grad.dtype });
  }
  const reduced = sameShape(grad.shape, input.shape) ? trustedAlias(grad) : unbroadcast(name, grad, input.shape);
  const before = gradients.get(input);
  if (before === undefined) {
    inner.pass(reduced);
    gradients.set(input, reduced);
    return;
  }
  const sum = trustedSum(before, reduced);
  before.dispose();
  inner.pass(sum);
  gradients.set(input, sum);
}

/** A gradient in the broadcast shape, summed to the input's. */
function unbroadcast(name: string, grad: NDArray, shape: Shape): NDArray {
  const lead = grad.rank - shape.length;
  if (lead < 0 || shape.some((extent, i) => extent !== 1 && extent !== grad.shape[lead + i])) {
    throw new GradientError({
      op: name,
      what: "shape of a gradient",
      expected: shapeText(shape),
      got: shapeText(grad.shape),
    });
  }
  return sumTo(grad, shape);
}
