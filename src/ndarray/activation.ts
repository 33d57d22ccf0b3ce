/**
 * @file Activations whose gradients have kernels of their own: ReLU, clip, activations by name, softmax, staircase. Operands are trusted to
 * be live and to fit.
 */
import { ACTIVATION_FNS } from "../kernels/elementwise/activations.js";
import type { ActivationFn } from "../kernels/elementwise/functions.js";
import { kernelsFor } from "../kernels/engine.js";
import { rowsOf } from "./matmul.js";
import { NDArray } from "./ndarray.js";

/** dy where y > 0, else 0. */
export function reluBackward(y: NDArray, dy: NDArray): NDArray {
  const dx = NDArray.empty(dy.shape, dy.dtype);
  kernelsFor(dy.dtype).f32_relu_bwd(y.ptr, dy.ptr, dx.ptr, dy.size);
  return dx;
}

/** dy where lo ≤ x ≤ hi, else 0. */
export function clipBackward(x: NDArray, dy: NDArray, lo: number, hi: number): NDArray {
  const dx = NDArray.empty(x.shape, x.dtype);
  kernelsFor(x.dtype).f32_clip_bwd(x.ptr, dy.ptr, dx.ptr, x.size, lo, hi);
  return dx;
}

/** An activation by name with its parameters; those that it does not have are 0. */
export interface Activation {
  readonly fn: ActivationFn;
  readonly alpha: number;
  readonly beta: number;
}

/** fn(x), rounded once. */
export function activate(x: NDArray, { fn, alpha, beta }: Activation): NDArray {
  const y = NDArray.empty(x.shape, x.dtype);
  kernelsFor(x.dtype).f32_activation(x.ptr, y.ptr, x.size, ACTIVATION_FNS.indexOf(fn), alpha, beta);
  return y;
}

/** dy·fn′(x). */
export function activateBackward(x: NDArray, dy: NDArray, { fn, alpha, beta }: Activation): NDArray {
  const dx = NDArray.empty(x.shape, x.dtype);
  kernelsFor(x.dtype).f32_activation_bwd(x.ptr, dy.ptr, dx.ptr, x.size, ACTIVATION_FNS.indexOf(fn), alpha, beta);
  return dx;
}

/** Softmax or its logarithm. */
export type SoftmaxRule = "softmax" | "log_softmax";

/** A rule over the last axis. */
export function softmaxRows(rule: SoftmaxRule, x: NDArray): NDArray {
  const y = NDArray.empty(x.shape, x.dtype);
  const { rows, columns } = rowsOf(x);
  if (y.size > 0) kernelsFor(x.dtype)[`f32_${rule}`](x.ptr, y.ptr, rows, columns);
  return y;
}

/** The gradient of {@link softmaxRows} from its result. */
export function softmaxRowsBackward(rule: SoftmaxRule, y: NDArray, dy: NDArray): NDArray {
  const dx = NDArray.empty(dy.shape, dy.dtype);
  const { rows, columns } = rowsOf(dy);
  if (dx.size > 0) kernelsFor(dy.dtype)[`f32_${rule}_bwd`](y.ptr, dy.ptr, dx.ptr, rows, columns);
  return dx;
}

/** Codes 0 … top of x for the step α, as a coded array. */
export function staircase(x: NDArray, alpha: number, top: number, nearest: boolean): NDArray {
  const codes = NDArray.empty(x.shape, "u8", alpha);
  kernelsFor(x.dtype).f32_staircase(x.ptr, codes.ptr, x.size, alpha, top, nearest ? 1 : 0);
  return codes;
}

/** dy·proxy(x). @param proxy a kernel's number of it */
export function staircaseBackward(x: NDArray, dy: NDArray, alpha: number, top: number, proxy: number): NDArray {
  const dx = NDArray.empty(x.shape, x.dtype);
  kernelsFor(x.dtype).f32_staircase_bwd(x.ptr, dy.ptr, dx.ptr, x.size, alpha, top, proxy);
  return dx;
}

/** Σ dy·rule(x), in f64. @param rule a kernel's number of it */
export function staircaseStepGradient(
  x: NDArray,
  codes: NDArray,
  dy: NDArray,
  alpha: number,
  top: number,
  rule: number,
): number {
  return kernelsFor(x.dtype).f32_staircase_dalpha(x.ptr, codes.ptr, dy.ptr, x.size, alpha, top, rule);
}
