/** @file Axes in another order, and elements repeated along axes. */
import { check, integer, list } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { checkShape, normalizeAxis, type Shape, sameShape, shapeText, stridesOf } from "../core/shape.js";
import { expectArrays } from "./checks.js";
import { type NDArray, trustedAlias } from "./ndarray.js";
import { trustedCopy } from "./strided.js";

const anyExtent = integer(0);

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
