/** @file Softmax and its logarithm along an axis. */

import { normalizeAxis } from "../core/shape.js";
import { type SoftmaxRule, softmaxRows, softmaxRowsBackward } from "../ndarray/activation.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { permute } from "../ndarray/movement.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { OpDef } from "./op.js";

/** Swaps an axis with the last one: its own inverse. */
function swapLast(x: NDArray, axis: number): NDArray {
  const axes = x.shape.map((_, i) => i);
  [axes[axis], axes[x.rank - 1]] = [x.rank - 1, axis];
  return permute(x, axes);
}

function alongAxis(name: string, rule: SoftmaxRule): OpDef<{ readonly axis: number }, { y: NDArray }> {
  return {
    name,
    shape: ([x], { axis }) => {
      floatTypeOf(name, x);
      normalizeAxis(name, axis, x.rank);
      return x.shape;
    },
    forward: ([x], { axis }) => {
      const at = normalizeAxis(name, axis, x.rank);
      const y = swapLast(softmaxRows(rule, swapLast(x, at)), at);
      return { y, saved: { y } };
    },
    backward: (dy, { y }, { axis }) => {
      const at = normalizeAxis(name, axis, dy.rank);
      return [swapLast(softmaxRowsBackward(rule, swapLast(y, at), swapLast(dy, at)), at)];
    },
  };
}

/** e^x / Σ e^x along an axis. */
export const softmax = alongAxis("softmax", "softmax");
/** x − ln Σ e^x along an axis. */
export const logSoftmax = alongAxis("logSoftmax", "log_softmax");
