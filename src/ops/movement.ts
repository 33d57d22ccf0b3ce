/** @file Shapes and places: nothing is computed, elements move. Codes stay codes wherever only places change. */

import { check, list } from "../core/checks.js";
import { checkDType, type DType, elementOf, isFloat } from "../core/dtype.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { normalizeAxis, resolveReshape, type Shape, shapeText } from "../core/shape.js";
import { convert } from "../ndarray/convert.js";
import * as joins from "../ndarray/join.js";
import * as nd from "../ndarray/movement.js";
import { type NDArray, trustedAlias } from "../ndarray/ndarray.js";
import { sumTo } from "../ndarray/reduce.js";
import * as slices from "../ndarray/slice.js";
import type { OpDef } from "./op.js";

/** The same elements under another shape; one extent may be −1. Shares memory. */
export const reshape: OpDef<{ readonly shape: Shape }, null> = {
  name: "reshape",
  coded: true,
  shape: ([x], { shape }) => resolveReshape("reshape", x.shape, shape),
  forward: ([x], _attrs, { shape }) => ({ y: trustedAlias(x, shape.slice()), saved: null }),
  backward: (dy, _saved, _attrs, { inputs }) => [dy.reshape(inputs[0].shape)],
};

/** Axes in a new order: out.shape[k] = x.shape[axes[k]]. */
export const permute: OpDef<{ readonly axes: readonly number[] }, null> = {
  name: "permute",
  coded: true,
  shape: ([x], { axes }) => nd.checkPermutation("permute", axes, x.rank).map((axis) => x.shape[axis]),
  forward: ([x], { axes }) => ({ y: nd.permute(x, axes), saved: null }),
  backward: (dy, _saved, { axes }) => [
    nd.permute(dy, nd.inversePermutation(nd.checkPermutation("permute", axes, dy.rank))),
  ],
};

/** x repeated along axes of extent 1 and new leading axes. */
export const broadcastTo: OpDef<{ readonly shape: Shape }, null> = {
  name: "broadcastTo",
  coded: true,
  shape: ([x], { shape }) => {
    nd.checkBroadcast("broadcastTo", x.shape, shape);
    return shape;
  },
  forward: ([x], { shape }) => ({ y: nd.trustedBroadcast(x, shape), saved: null }),
  backward: (dy, _saved, _attrs, { inputs }) => [sumTo(dy, inputs[0].shape)],
};

/** Codes if all inputs are codes of one step, else real values. */
function ofOneStep(inputs: readonly NDArray[]): readonly NDArray[] {
  const alike = inputs.every((x) => x.coded && x.step === inputs[0].step);
  return alike ? inputs : inputs.map((x) => (x.coded ? x.dequantize() : x));
}

/** Inputs joined along an axis. Coded inputs of one step stay codes. */
export const concat: OpDef<{ readonly axis: number }, null> = {
  name: "concat",
  coded: true,
  shape: (inputs, { axis }) => {
    if (inputs.length === 0) {
      throw new ArgumentError({ op: "concat", what: "nothing to join", expected: "at least one tensor", got: "none" });
    }
    return joins.concatShape("concat", inputs, normalizeAxis("concat", axis, inputs[0].rank));
  },
  forward: (inputs, { axis }) => ({ y: joins.concat(ofOneStep(inputs), axis), saved: null }),
  backward: (dy, _saved, { axis }, { inputs, needs }) => {
    const at = normalizeAxis("concat", axis, dy.rank);
    let start = 0;
    return inputs.map(({ shape }, i) => {
      const from = start;
      start += shape[at];
      if (!needs[i]) return null;
      return slices.slice(
        dy,
        dy.shape.map((extent, k) => ({ start: k === at ? from : 0, count: k === at ? shape[at] : extent, step: 1 })),
      );
    });
  },
};

/** Elements start, start+step, … of every axis. */
export const slice: OpDef<{ readonly ranges: readonly slices.SliceRange[] }, null> = {
  name: "slice",
  coded: true,
  shape: ([x], { ranges }) => resolveAll(x.shape, ranges).map((range) => range.count),
  forward: ([x], { ranges }) => ({ y: slices.trustedSlice(x, resolveAll(x.shape, ranges)), saved: null }),
  backward: (dy, _saved, { ranges }, { inputs: [x] }) => [slices.unslice(dy, x.shape, resolveAll(x.shape, ranges))],
};

function resolveAll(shape: Shape, ranges: readonly slices.SliceRange[]): slices.ResolvedRange[] {
  check("slice", "ranges", ranges, list);
  if (ranges.length > shape.length) {
    throw new ShapeError({
      op: "slice",
      what: "more ranges than axes",
      expected: `at most ${shape.length} for ${shapeText(shape)}`,
      got: `${ranges.length}`,
    });
  }
  const resolved: slices.ResolvedRange[] = [];
  for (let i = 0; i < shape.length; i++) resolved.push(slices.resolveRange("slice", ranges[i] ?? null, shape[i]));
  return resolved;
}

/** Attributes of {@link pad}. */
export interface PadAttrs {
  /** [before, after] for every axis. */
  readonly pads: readonly (readonly [number, number])[];
  readonly value: number;
}

/** Constant elements around x. A coded input stays coded if the value is 0. */
export const pad: OpDef<PadAttrs, null> = {
  name: "pad",
  coded: true,
  shape: ([x], { pads, value }) => {
    joins.checkPads("pad", pads, x.rank);
    elementOf("pad", value === 0 ? x.dtype : x.coded ? "f32" : x.dtype, value);
    return x.shape.map((extent, i) => pads[i][0] + extent + pads[i][1]);
  },
  forward: ([x], { pads, value }) => ({ y: joins.pad(x, pads, value), saved: null }),
  backward: (dy, _saved, { pads }, { inputs: [x] }) => [
    slices.slice(
      dy,
      x.shape.map((count, i) => ({ start: pads[i][0], count, step: 1 })),
    ),
  ],
};

/** The elements in another real type; the gradient goes back in the input's. */
export const cast: OpDef<{ readonly dtype: DType }, null> = {
  name: "cast",
  shape: ([x], { dtype }) => {
    checkDType("cast", dtype);
    return x.shape;
  },
  forward: ([x], { dtype }) => ({ y: convert(x, dtype), saved: null }),
  backward: (dy, _saved, _attrs, { inputs: [x] }) => [convert(dy, isFloat(x.dtype) ? x.dtype : "f32")],
};

/** The elements as integers or bool: truncated, saturated; x ≠ 0 for bool. No gradient. */
export const toInteger: OpDef<{ readonly dtype: DType }, null> = {
  name: "cast",
  shape: ([x], { dtype }) => {
    checkDType("cast", dtype);
    return x.shape;
  },
  forward: ([x], { dtype }) => ({ y: convert(x, dtype), saved: null }),
  backward: null,
};
