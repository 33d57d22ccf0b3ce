/** @file Softmax and its logarithm along an axis. */
import { normalizeAxis } from "../core/shape.js";
import { kernelsFor } from "../kernels/engine.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { rowsOf } from "../ndarray/matmul.js";
import { permute } from "../ndarray/movement.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { OpDef } from "./op.js";

/** Swaps an axis with the last one: its own inverse. */
function swapLast(x: NDArray, axis: number): NDArray {
  const axes = x.shape.map((_, i) => i);
  [axes[axis], axes[x.rank - 1]] = [x.rank - 1, axis];
  return permute(x, axes);
}

type Rule = "softmax" | "log_softmax";

function alongAxis(name: string, rule: Rule): OpDef<{ readonly axis: number }, { y: NDArray }> {
  return {
    name,
    shape: ([x], { axis }) => {
      floatTypeOf(name, x);
      normalizeAxis(name, axis, x.rank);
      return x.shape;
    },
    forward: ([x], { axis }) => {
      const at = normalizeAxis(name, axis, x.rank);
      const source = swapLast(x, at);
      const out = NDArray.empty(source.shape, x.dtype);
      const { rows, columns } = rowsOf(source);
      if (out.size > 0) kernelsFor(x.dtype)[`f32_${rule}`](source.ptr, out.ptr, rows, columns);
      const y = swapLast(out, at);
      return { y, saved: { y } };
    },
    backward: (dy, { y }, { axis }) => {
      const at = normalizeAxis(name, axis, dy.rank);
      const [result, gradient] = [swapLast(y, at), swapLast(dy, at)];
      const out = NDArray.empty(gradient.shape, dy.dtype);
      const { rows, columns } = rowsOf(gradient);
      if (out.size > 0) {
        kernelsFor(dy.dtype)[`f32_${rule}_bwd`](result.ptr, gradient.ptr, out.ptr, rows, columns);
      }
      return [swapLast(out, at)];
    },
  };
}

/** e^x / Σ e^x along an axis. */
export const softmax = alongAxis("softmax", "softmax");
/** x − ln Σ e^x along an axis. */
export const logSoftmax = alongAxis("logSoftmax", "log_softmax");
