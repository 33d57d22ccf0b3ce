/** @file Reference kernels: folds of the middle axis, and the sum, which the packed runtime has too. */

import type { Context } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { REDUCE } from "./abi.js";

/** A kernel that folds the middle axis of [outer, n, inner]. */
export function fold({ real }: Context, start: number, f: (soFar: number, x: number) => number) {
  return (xPtr: Ptr, outPtr: Ptr, outer: number, n: number, inner: number): void => {
    const x = real(xPtr, outer * n * inner);
    const out = real(outPtr, outer * inner);
    for (let o = 0; o < outer; o++) {
      for (let c = 0; c < inner; c++) {
        let soFar = start;
        for (let i = 0; i < n; i++) soFar = f(soFar, x[(o * n + i) * inner + c]);
        out[o * inner + c] = soFar;
      }
    }
  };
}

/** Twin of the sum. */
export function sumKernels(context: Context): Pick<KernelsOf<typeof REDUCE>, "f32_sum"> {
  const { heap, real } = context;
  const sum = fold(context, 0, (s, x) => s + x);
  return {
    f32_sum(xPtr, outPtr, outer, n, inner, sumsPtr = 0) {
      if (sumsPtr === 0) return sum(xPtr, outPtr, outer, n, inner);
      const x = real(xPtr, n * inner);
      const sums = heap.f64(sumsPtr, inner).fill(0);
      for (let i = 0; i < x.length; i++) sums[i % inner] += x[i];
    },
  };
}
