/**
 * @file Reference kernels of arithmetic that both the whole library and the packed runtime have; apart from those that
 * need exp, log or pow.
 */

import type { Context } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { ELEMENTWISE } from "./abi.js";

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

type Names = "f32_add" | "f32_relu" | "f32_scale_shift";

/** Twins of the kernels that need no more than this. */
export function arithmeticKernels(context: Context): Pick<KernelsOf<typeof ELEMENTWISE>, Names> {
  const { round } = context;
  return {
    f32_add: arithmetic(context, (a, b) => a + b),
    f32_relu: unary(context, (x) => Math.max(x, 0)),
    f32_scale_shift(xPtr, outPtr, len, scale, shift) {
      const [a, b] = [round(scale), round(shift)];
      unary(context, (x) => round(x * a) + b)(xPtr, outPtr, len);
    },
  };
}
