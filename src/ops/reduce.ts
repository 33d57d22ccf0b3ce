/** @file Reductions over axes. */
import { check, flag } from "../core/checks.js";
import { normalizeAxes, type Shape } from "../core/shape.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { divideBy } from "../ndarray/elementwise.js";
import { broadcastTo } from "../ndarray/movement.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { addAt } from "../ndarray/pool.js";
import {
  argReduce,
  checkNotEmpty,
  flatPositions,
  mean as meanOf,
  reduceAxes,
  reducedShape,
} from "../ndarray/reduce.js";
import type { OpDef } from "./op.js";

/** Which axes to reduce. */
export interface ReduceAttrs {
  /** One axis, several, or all if undefined; negative ones count from the end. */
  readonly axis?: number | readonly number[];
  /** Keep reduced axes with extent 1. Default false. */
  readonly keepDims?: boolean;
}

/** Absent is false; nothing else stands for a flag. */
function checkKeepDims(name: string, keepDims: boolean | undefined): void {
  if (keepDims !== undefined) check(name, "keepDims", keepDims, flag);
}

function rule(name: string): OpDef<ReduceAttrs>["shape"] {
  return ([x], { axis, keepDims }) => {
    floatTypeOf(name, x);
    checkKeepDims(name, keepDims);
    return reducedShape(x.shape, normalizeAxes(name, axis, x.rank), keepDims ?? false);
  };
}

/** A reduced gradient spread over the input's shape again. */
function spread(dy: NDArray, shape: Shape, axis: ReduceAttrs["axis"]): NDArray {
  const kept = dy.reshape(reducedShape(shape, normalizeAxes("sum", axis, shape.length), true));
  return broadcastTo(kept, shape);
}

/** Σ x over axes. */
export const sum: OpDef<ReduceAttrs, null> = {
  name: "sum",
  shape: rule("sum"),
  forward: ([x], { axis, keepDims }) => ({
    y: reduceAxes("f32_sum", x, normalizeAxes("sum", axis, x.rank), keepDims),
    saved: null,
  }),
  backward: (dy, _saved, { axis }, { inputs }) => [spread(dy, inputs[0].shape, axis)],
};

/** Mean over axes. */
export const mean: OpDef<ReduceAttrs, null> = {
  name: "mean",
  shape: ([x], attrs) => {
    const shape = rule("mean")([x], attrs);
    checkNotEmpty("mean", x.shape, normalizeAxes("mean", attrs.axis, x.rank));
    return shape;
  },
  forward: ([x], { axis, keepDims }) => ({ y: meanOf(x, normalizeAxes("mean", axis, x.rank), keepDims), saved: null }),
  backward: (dy, _saved, { axis }, { inputs }) => {
    const count = normalizeAxes("mean", axis, inputs[0].shape.length).reduce((n, i) => n * inputs[0].shape[i], 1);
    return [spread(divideBy(dy, count), inputs[0].shape, axis)];
  },
};

/** Extremum over axes; the whole gradient goes to the first extremum, in row-major order of the reduced axes. */
function extremum(name: "max" | "min"): OpDef<ReduceAttrs, { at: NDArray } | null> {
  return {
    name,
    shape: ([x], attrs) => {
      const shape = rule(name)([x], attrs);
      checkNotEmpty(name, x.shape, normalizeAxes(name, attrs.axis, x.rank));
      return shape;
    },
    forward: ([x], { axis, keepDims }, { needs }) => {
      const axes = normalizeAxes(name, axis, x.rank);
      const y = reduceAxes(`f32_${name}`, x, axes, keepDims);
      if (!needs[0]) return { y, saved: null };
      return { y, saved: { at: flatPositions(argReduce(`f32_arg${name}`, x, axes), x.shape, axes) } };
    },
    backward: (dy, saved, _attrs, { inputs }) => [addAt(dy, saved!.at, inputs[0].shape)],
  };
}

/** Largest over axes (NaN if there is one); gradient to the first largest. */
export const max = extremum("max");
/** Smallest over axes (NaN if there is one); gradient to the first smallest. */
export const min = extremum("min");

function argument(name: "argmax" | "argmin"): OpDef<ReduceAttrs, null> {
  return {
    name,
    shape: ([x], { axis, keepDims }) => {
      const axes = normalizeAxes(name, axis, x.rank);
      checkNotEmpty(name, x.shape, axes);
      checkKeepDims(name, keepDims);
      return reducedShape(x.shape, axes, keepDims ?? false);
    },
    forward: ([x], { axis }, { shape }) => ({
      y: argReduce(`f32_${name}`, x, normalizeAxes(name, axis, x.rank)).reshape(shape),
      saved: null,
    }),
    backward: null,
  };
}

/** Index (i32) of the first largest, within the reduced axes taken together. */
export const argmax = argument("argmax");
/** Index (i32) of the first smallest, within the reduced axes taken together. */
export const argmin = argument("argmin");
