/** @file Reference kernels: integer codes of weights (BCGD §2). */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { CODES } from "./abi.js";

/** Round half away from zero; exact, unlike floor(x + ½). */
export function roundHalfAway(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

/** Twins of the weight-code kernels. */
export function codeKernels({ heap, round, real }: Context): KernelsOf<typeof CODES> {
  return {
    f32_sign_codes(xPtr, codesPtr, len) {
      const x = real(xPtr, len);
      const codes = heap.i8(codesPtr, len);
      for (let i = 0; i < len; i++) codes[i] = x[i] >= 0 ? 1 : -1;
    },
    f32_ternary_codes(xPtr, codesPtr, len, threshold) {
      const x = real(xPtr, len);
      const codes = heap.i8(codesPtr, len);
      const t = round(threshold);
      for (let i = 0; i < len; i++) codes[i] = Math.abs(x[i]) > t ? Math.sign(x[i]) : 0;
    },
    f32_uniform_codes(xPtr, codesPtr, len, delta, top) {
      const x = real(xPtr, len);
      const codes = heap.i8(codesPtr, len);
      const step = round(delta);
      let changed = 0;
      for (let i = 0; i < len; i++) {
        const quotient = round(x[i] / step);
        const code = Number.isNaN(quotient) ? 0 : Math.min(Math.max(roundHalfAway(quotient), -top), top);
        if (code !== codes[i]) changed++;
        codes[i] = code;
      }
      return changed;
    },
    i8_dot_f32(codesPtr, xPtr, len) {
      const codes = heap.i8(codesPtr, len);
      const x = real(xPtr, len);
      let sum = 0;
      for (let i = 0; i < len; i++) sum += codes[i] * x[i];
      return sum;
    },
    i8_sum_squares(codesPtr, len) {
      let sum = 0;
      for (const code of heap.i8(codesPtr, len)) sum += code * code;
      return sum;
    },
    i8_count_different(aPtr, bPtr, len) {
      const a = heap.i8(aPtr, len);
      const b = heap.i8(bPtr, len);
      let count = 0;
      for (let i = 0; i < len; i++) if (a[i] !== b[i]) count++;
      return count;
    },
  };
}
