/** @file Small vectors of float64 numbers; sums run in index order, so that they have the same bits everywhere. */
import { check, describe, list, type Rule, record } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";

/** Numbers that are read only. */
export type Vector = readonly number[];

/** ⟨a, b⟩. */
export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Σ aᵢ. */
export function total(a: Vector): number {
  let sum = 0;
  for (const x of a) sum += x;
  return sum;
}

/** ‖a‖₂. */
export function norm(a: Vector): number {
  return Math.sqrt(dot(a, a));
}

/** s·a. */
export function scaled(a: Vector, s: number): number[] {
  return a.map((x) => s * x);
}

/** a + s·b. */
export function plus(a: Vector, b: Vector, s = 1): number[] {
  return a.map((x, i) => x + s * b[i]);
}

/** @throws ArgumentError unless all elements are finite and there is at least one */
export function checkVector(op: string, name: string, a: Vector): void {
  // Not a check of each element: NaN and strings are told with their place below.
  if (!Array.isArray(a) && kindOf(a) !== "Float64Array") check(op, name, a, list);
  const bad = Array.prototype.findIndex.call(a, (x) => !Number.isFinite(x));
  if (a.length > 0 && bad < 0) return;
  const got = a.length === 0 ? "none" : `${describe(a[bad])} at index ${bad}`;
  throw new ArgumentError({ op, what: `bad vector ${name}`, expected: "one or more finite numbers", got });
}

/** A projection of weights: what has a function `project`. */
export const projects: Rule = (value) =>
  record(value) === null && typeof (value as { project?: unknown }).project === "function" ? null : "a projection";

/** A coarse derivative: what has a function `dx`. */
export const isProxy: Rule = (value) =>
  record(value) === null && typeof (value as { dx?: unknown }).dx === "function"
    ? null
    : "a proxy { name, dx(x, alpha, top) }";

/** @throws ShapeError unless both are equally long */
export function checkLengths(op: string, names: string, a: Vector, b: Vector): void {
  if (a.length === b.length) return;
  throw new ShapeError({ op, what: `lengths of ${names}`, expected: `${b.length}`, got: `${a.length}` });
}

/** The unit vector along a. @throws ArgumentError for a zero vector, which has no direction */
export function unit(op: string, name: string, a: Vector): number[] {
  // Scaled first: squares of numbers beyond 1e±154 would leave the range.
  const largest = Math.max(...a.map(Math.abs));
  if (largest === 0) {
    throw new ArgumentError({
      op,
      what: `${name} is the zero vector`,
      expected: "a vector with a direction",
      got: `[${a.join(", ")}]`,
      hint: "the angle between w and w* is not defined at 0",
    });
  }
  const small = a.map((x) => x / largest);
  const length = norm(small);
  return small.map((x) => x / length);
}
