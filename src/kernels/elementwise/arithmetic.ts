/** @file Reference kernels of arithmetic that both the whole library and the packed runtime have; apart from those that need exp, log or pow. */
import type { Kernels, Ptr } from "../abi.js";
import type { Context } from "../context.js";

/** A kernel of two real arrays with suffix broadcasting. */
export function arithmetic({ real }: Context, f: (a: number, b: number) => number) {
  return (aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void => {
    const a = real(aPtr, aLen);
    const b = real(bPtr, bLen);
    const out = real(outPtr, len);
    for (let i = 0; i < len; i++) out[i] = f(a[i % aLen], b[i % bLen]);
  };
}

/** A kernel of one real array. */
export function unary({ real }: Context, f: (x: number) => number) {
  return (xPtr: Ptr, outPtr: Ptr, len: number): void => {
    const x = real(xPtr, len);
    const out = real(outPtr, len);
    for (let i = 0; i < len; i++) out[i] = f(x[i]);
  };
}

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

type Names = "f32_add" | "f32_sub" | "f32_mul" | "f32_div" | "f32_sum" | "f32_relu" | "f32_scale_shift";

/** Twins of the kernels that need no more than this. */
export function arithmeticKernels(context: Context): Pick<Kernels, Names> {
  const { round } = context;
  return {
    f32_add: arithmetic(context, (a, b) => a + b),
    f32_sub: arithmetic(context, (a, b) => a - b),
    f32_mul: arithmetic(context, (a, b) => a * b),
    f32_div: arithmetic(context, (a, b) => a / b),
    f32_sum: fold(context, 0, (s, x) => s + x),
    f32_relu: unary(context, (x) => Math.max(x, 0)),
    f32_scale_shift(xPtr, outPtr, len, scale, shift) {
      const [a, b] = [round(scale), round(shift)];
      unary(context, (x) => round(x * a) + b)(xPtr, outPtr, len);
    },
  };
}
