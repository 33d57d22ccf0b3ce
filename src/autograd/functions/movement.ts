/** @file Shapes and places. Codes stay codes, except through `concat`, `stack` and `cast`. */
import { check, list } from "../../core/checks.js";
import type { DType } from "../../core/dtype.js";
import { ShapeError } from "../../core/errors.js";
import { normalizeAxes, normalizeAxis, type Shape, shapeText } from "../../core/shape.js";
import * as moving from "../../ops/movement.js";
import { composed } from "../composed.js";
import { expectTensor } from "../graph.js";
import { apply, type Index, type Tensor } from "../tensor.js";

/**
 * The same elements, in row-major order, under another shape; one extent may be −1.
 * @gradient exact
 * @throws ShapeError if the size changes
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return apply(moving.reshape, [x], { shape });
}

/**
 * Axes start … end merged into one.
 * @param start default 1
 * @param end default the last
 * @gradient exact
 * @throws ShapeError on a bad axis
 */
export function flatten(x: Tensor, start = 1, end = -1): Tensor {
  expectTensor("flatten", x);
  return x.flatten(start, end);
}

/** Two axes exchanged, the last two by default. @gradient exact @throws ShapeError on a bad axis */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  expectTensor("transpose", x);
  return x.transpose(a, b);
}

/**
 * Axes in a new order: out.shape[k] = x.shape[axes[k]].
 * @gradient exact
 * @throws ShapeError unless `axes` holds each axis once
 */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  return apply(moving.permute, [x], { axes });
}

/**
 * Axes of extent 1 dropped.
 * @param axis which; default all of them
 * @gradient exact
 * @throws ShapeError if the extent of one is not 1
 */
export function squeeze(x: Tensor, axis?: number | readonly number[]): Tensor {
  expectTensor("squeeze", x);
  const axes =
    axis === undefined
      ? x.shape.flatMap((extent, i) => (extent === 1 ? [i] : []))
      : normalizeAxes("squeeze", axis, x.rank);
  if (axes.some((i) => x.shape[i] !== 1)) {
    throw new ShapeError({
      op: "squeeze",
      what: "extent is not 1",
      expected: "axes of extent 1",
      got: shapeText(x.shape),
    });
  }
  return x.reshape(x.shape.filter((_, i) => !axes.includes(i)));
}

/**
 * A new axis of extent 1 before `axis`, which counts in the result.
 * @gradient exact
 * @throws ShapeError on a bad axis
 */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  expectTensor("unsqueeze", x);
  const at = normalizeAxis("unsqueeze", axis, x.rank + 1);
  return x.reshape([...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * x repeated along axes of extent 1 and new leading axes.
 * @gradient exact: sums over the repetitions
 * @throws ShapeError if it does not broadcast
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return apply(moving.broadcastTo, [x], { shape });
}

/**
 * Tensors joined along an existing axis.
 * @param axis default 0
 * @gradient exact
 * @throws ShapeError, DTypeError if they differ otherwise
 */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  check("concat", "tensors", tensors, list);
  return apply(moving.concat, tensors, { axis });
}

/**
 * Tensors of one shape joined along a new axis.
 * @param axis default 0
 * @gradient exact
 * @throws ShapeError, DTypeError if they differ
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  check("stack", "tensors", tensors, list);
  // Array.from, as map would skip holes.
  return composed(() =>
    concat(
      Array.from(tensors, (item) => unsqueeze(item, axis)),
      axis,
    ),
  );
}

/**
 * Part of each axis: a number picks one place and drops the axis; [start, stop, step] cuts as in Python (negative
 * counts from the end, null is open, a negative step runs backwards); null, or nothing, takes all.
 *
 * @gradient exact
 * @throws ShapeError on too many ranges or a number out of range; ArgumentError on a step of 0
 * @example
 * slice(x, 0, [null, null, -1]); // first row, reversed
 */
export function slice(x: Tensor, ...index: readonly Index[]): Tensor {
  expectTensor("slice", x);
  return x.slice(...index);
}

/**
 * Constant elements around x.
 * @param pads for every axis, [before, after] or one number for both
 * @param value default 0
 * @gradient exact
 * @throws ArgumentError unless there is one pair of integers ≥ 0 for every axis
 */
export function pad(x: Tensor, pads: readonly (number | readonly [number, number])[], value = 0): Tensor {
  check("pad", "pads", pads, list);
  return apply(moving.pad, [x], {
    pads: Array.from(pads, (item): readonly [number, number] => (typeof item === "number" ? [item, item] : item)),
    value,
  });
}

/**
 * The elements in another type. Real to integer truncates towards zero and saturates, NaN gives 0; anything to bool is
 * x ≠ 0.
 * @gradient exact between real types, else none
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  expectTensor("cast", x);
  return x.cast(dtype);
}
