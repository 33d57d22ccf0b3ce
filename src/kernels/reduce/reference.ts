/** @file Reference kernels: reductions and softmax. Sums are accumulated in f64 and rounded once. */
import { exp, log } from "../../core/math.js";
import type { Context } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { REDUCE } from "./abi.js";
import { fold, sumKernels } from "./sum.js";

/** Twins of the reductions and of softmax. */
export function reduceKernels(context: Context): KernelsOf<typeof REDUCE> {
  const { heap, round, real } = context;
  /** First index whose value `beats` every other; a NaN beats all numbers. */
  function arg(beats: (x: number, best: number) => boolean) {
    return (xPtr: Ptr, outPtr: Ptr, outer: number, n: number, inner: number): void => {
      const x = real(xPtr, outer * n * inner);
      const out = heap.i32(outPtr, outer * inner);
      for (let o = 0; o < outer; o++) {
        for (let c = 0; c < inner; c++) {
          let at = 0;
          for (let i = 1; i < n; i++) {
            const v = x[(o * n + i) * inner + c];
            const best = x[(o * n + at) * inner + c];
            if (beats(v, best) || (Number.isNaN(v) && !Number.isNaN(best))) at = i;
          }
          out[o * inner + c] = at;
        }
      }
    };
  }
  function rowMax(x: ArrayLike<number>, start: number, n: number): number {
    let max = -Infinity;
    for (let i = 0; i < n; i++) max = Math.max(max, x[start + i]);
    return max;
  }

  return {
    ...sumKernels(context),
    f32_max: fold(context, -Infinity, Math.max),
    f32_min: fold(context, Infinity, Math.min),
    f32_argmax: arg((x, best) => x > best),
    f32_argmin: arg((x, best) => x < best),
    f32_sum_squares(xPtr, len) {
      let sum = 0;
      for (const v of real(xPtr, len)) sum += v * v;
      return sum;
    },
    f32_abs_sum(xPtr, len) {
      let sum = 0;
      for (const v of real(xPtr, len)) sum += Math.abs(v);
      return sum;
    },
    f32_abs_max(xPtr, len) {
      let max = 0;
      for (const v of real(xPtr, len)) max = Math.max(max, Math.abs(v));
      return max;
    },
    f32_count_nonfinite(xPtr, len) {
      let count = 0;
      for (const v of real(xPtr, len)) if (!Number.isFinite(v)) count++;
      return count;
    },
    f32_softmax(xPtr, outPtr, rows, n) {
      const x = real(xPtr, rows * n);
      const out = real(outPtr, rows * n);
      for (let start = 0; start < rows * n; start += n) {
        const max = rowMax(x, start, n);
        let sum = 0;
        for (let i = start; i < start + n; i++) {
          out[i] = exp(round(x[i] - max));
          sum += out[i];
        }
        const total = round(sum);
        for (let i = start; i < start + n; i++) out[i] /= total;
      }
    },
    f32_log_softmax(xPtr, outPtr, rows, n) {
      const x = real(xPtr, rows * n);
      const out = real(outPtr, rows * n);
      for (let start = 0; start < rows * n; start += n) {
        const max = rowMax(x, start, n);
        let sum = 0;
        for (let i = start; i < start + n; i++) sum += round(exp(round(x[i] - max)));
        const logTotal = round(log(sum));
        for (let i = start; i < start + n; i++) out[i] = round(x[i] - max) - logTotal;
      }
    },
    f32_softmax_bwd(yPtr, dyPtr, dxPtr, rows, n) {
      const y = real(yPtr, rows * n);
      const dy = real(dyPtr, rows * n);
      const dx = real(dxPtr, rows * n);
      for (let start = 0; start < rows * n; start += n) {
        let sum = 0;
        for (let i = start; i < start + n; i++) sum += dy[i] * y[i];
        const dot = round(sum);
        for (let i = start; i < start + n; i++) dx[i] = y[i] * round(dy[i] - dot);
      }
    },
    f32_log_softmax_bwd(yPtr, dyPtr, dxPtr, rows, n) {
      const y = real(yPtr, rows * n);
      const dy = real(dyPtr, rows * n);
      const dx = real(dxPtr, rows * n);
      for (let start = 0; start < rows * n; start += n) {
        let sum = 0;
        for (let i = start; i < start + n; i++) sum += dy[i];
        const total = round(sum);
        for (let i = start; i < start + n; i++) dx[i] = dy[i] - round(round(exp(y[i])) * total);
      }
    },
  };
}
