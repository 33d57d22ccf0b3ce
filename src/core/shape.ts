/** @file Shapes: sizes, strides, axes and the broadcasting rule. Imports errors and checks only. */
import { describe, refuse } from "./checks.js";
import { ArgumentError, ShapeError } from "./errors.js";

/** Extents of a row-major array, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Prints a shape as in error messages: `[8,28,28,1]`. */
export function shapeText(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** True if both shapes have the same extents. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Refuses what is no list, extents that are not non-negative integers, and sizes that a 32-bit heap cannot hold.
 * @returns the size
 */
export function checkShape(op: string, shape: Shape): number {
  if (!Array.isArray(shape)) refuse(op, "shape", "a list of extents", shape);
  let size = 1;
  for (let i = 0; i < shape.length; i++) {
    const extent = shape[i];
    if (!Number.isInteger(extent) || extent < 0) {
      const got = `[${shape.slice(0, 16).map(describe).join(",")}]`;
      throw new ShapeError({ op, what: "bad extent", expected: "non-negative integers", got });
    }
    size *= extent;
  }
  if (size > 2 ** 31 - 1) {
    throw new ShapeError({ op, what: "too many elements", expected: "at most 2^31-1", got: shapeText(shape) });
  }
  return size;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** Maps an axis in −rank … rank−1 to 0 … rank−1. @throws ShapeError if it lies outside. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = Number.isInteger(axis) ? (axis < 0 ? axis + rank : axis) : -1;
  if (normal < 0 || normal >= rank) {
    throw new ShapeError({
      op,
      what: "axis out of range",
      expected: `an integer in [${-rank}, ${rank - 1}]`,
      got: describe(axis),
    });
  }
  return normal;
}

/** Sorted distinct axes; `undefined` means all. @throws ShapeError on a repeated or out-of-range axis. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  if (typeof axes !== "number" && !Array.isArray(axes)) refuse(op, "axis", "an integer, or a list of them", axes);
  // Array.from, as map would skip holes.
  const list = Array.from(typeof axes === "number" ? [axes] : axes, (axis) => normalizeAxis(op, axis, rank));
  const sorted = [...new Set(list)].sort((a, b) => a - b);
  if (sorted.length !== list.length) {
    throw new ShapeError({ op, what: "repeated axis", expected: "distinct axes", got: `[${list.join(",")}]` });
  }
  return sorted;
}

/** The shape of a broadcast of all `shapes` (NumPy's rule). @throws ShapeError if an extent differs and is not 1. */
export function broadcastShapes(op: string, ...shapes: Shape[]): number[] {
  let rank = 0;
  for (let i = 0; i < shapes.length; i++) if (shapes[i].length > rank) rank = shapes[i].length;
  if (shapes.length === 2 && sameShape(shapes[0], shapes[1])) return shapes[0].slice();
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      if (shape[i] === out[at] || shape[i] === 1) continue;
      if (out[at] !== 1) {
        throw new ShapeError({
          op,
          what: "shapes do not broadcast",
          expected: "extents equal or 1, aligned at the last axis",
          got: shapes.map(shapeText).join(" and "),
        });
      }
      out[at] = shape[i];
    }
  }
  return out;
}

/**
 * Fills in one −1 of a reshape. Of an array without elements the sizes tell nothing: there −1 takes the place of the
 * extents that the others, before and behind it, leave over, as in [0,4,4,1] to [0,−1].
 *
 * @throws ShapeError if the sizes differ, or if no extent fits; ArgumentError on a second −1
 */
export function resolveReshape(op: string, from: Shape, to: Shape): number[] {
  if (!Array.isArray(to)) refuse(op, "shape", "a list of extents", to);
  const hole = to.indexOf(-1);
  if (hole >= 0 && to.includes(-1, hole + 1)) {
    throw new ArgumentError({ op, what: "more than one -1", expected: "at most one", got: shapeText(to) });
  }
  const size = sizeOf(from);
  const out = to.slice();
  if (hole >= 0) out[hole] = 1;
  let filled = checkShape(op, out);
  if (hole >= 0) {
    out[hole] = filled === 0 ? leftOver(from, to, hole) : size / filled;
    filled *= out[hole];
  }
  if (filled !== size || (hole >= 0 && !Number.isInteger(out[hole]))) {
    throw new ShapeError({
      op,
      what: "size changes",
      expected: `${size} elements as in ${shapeText(from)}`,
      got: shapeText(to),
    });
  }
  return out;
}

/**
 * Elements of the extents of `from` between those that `to` names before and behind its hole; NaN if it names others.
 */
function leftOver(from: Shape, to: Shape, hole: number): number {
  const behind = to.length - 1 - hole;
  const named = hole + behind <= from.length && sizeOf(from) === 0;
  const same = (extent: number, i: number): boolean =>
    extent === (i < hole ? from[i] : from[from.length - to.length + i]);
  if (!named || !to.every((extent, i) => i === hole || same(extent, i))) return Number.NaN;
  return sizeOf(from.slice(hole, from.length - behind));
}
