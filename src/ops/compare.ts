/** @file Comparisons, selection and clipping. */

import { DTypeError } from "../core/errors.js";
import { broadcastShapes } from "../core/shape.js";
import { clipBackward } from "../ndarray/activation.js";
import { floatTypeOf } from "../ndarray/convert.js";
import * as nd from "../ndarray/elementwise.js";
import { broadcastTo } from "../ndarray/movement.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { OpDef } from "./op.js";

function comparison(name: string, kernel: nd.CompareKernel): OpDef<undefined, null> {
  return {
    name,
    shape: ([a, b]) => broadcastShapes(name, a.shape, b.shape),
    forward: ([a, b]) => ({ y: nd.compare(kernel, a, b), saved: null }),
    backward: null,
  };
}

/** a = b, as bool. */
export const equal = comparison("equal", "f32_eq");
/** a ≠ b, as bool; true for NaN. */
export const notEqual = comparison("notEqual", "f32_ne");
/** a < b, as bool. */
export const less = comparison("less", "f32_lt");
/** a ≤ b, as bool. */
export const lessEqual = comparison("lessEqual", "f32_le");
/** a > b, as bool. */
export const greater = comparison("greater", "f32_gt");
/** a ≥ b, as bool. */
export const greaterEqual = comparison("greaterEqual", "f32_ge");

/** cond ? a : b. Inputs: cond (bool), a, b. */
export const where: OpDef<undefined, { cond: NDArray }> = {
  name: "where",
  shape: ([cond, a, b]) => {
    if (cond.dtype !== "bool") {
      throw new DTypeError({
        op: "where",
        what: "condition",
        expected: "bool",
        got: cond.dtype,
        hint: "compare first, as in where(greater(x, 0), x, 0)",
      });
    }
    floatTypeOf("where", a, b);
    return broadcastShapes("where", cond.shape, a.shape, b.shape);
  },
  forward: ([cond, a, b]) => ({ y: nd.where(cond, a, b), saved: { cond } }),
  backward: (dy, { cond }, _attrs, { needs }) => {
    const mask = broadcastTo(cond, dy.shape);
    return [null, needs[1] ? nd.maskScale(dy, mask) : null, needs[2] ? nd.maskScale(dy, nd.invertMask(mask)) : null];
  },
};

/** Bounds of {@link clip}. */
export interface ClipAttrs {
  readonly lo: number;
  readonly hi: number;
}

/** min(max(x, lo), hi); dx = dy where lo ≤ x ≤ hi, else 0. */
export const clip: OpDef<ClipAttrs, { x: NDArray }> = {
  name: "clip",
  shape: ([x], { lo, hi }) => {
    floatTypeOf("clip", x);
    nd.checkBounds("clip", lo, hi);
    return x.shape;
  },
  forward: ([x], { lo, hi }) => ({ y: nd.clip(x, lo, hi), saved: { x } }),
  backward: (dy, { x }, { lo, hi }) => [clipBackward(x, dy, lo, hi)],
};
