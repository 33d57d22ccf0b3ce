/** @file Reference kernels: fill, strided copies, conversions. */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { CONVERT } from "./abi.js";
import { moveKernels } from "./moves.js";

/** Twins of the fill, copy and convert kernels. */
export function convertKernels(context: Context): KernelsOf<typeof CONVERT> {
  const { heap, round, real } = context;
  return {
    ...moveKernels(context),
    f32_fill(outPtr, len, value) {
      real(outPtr, len).fill(value);
    },
    i8_dequantize(codesPtr, outPtr, len, step) {
      const codes = heap.i8(codesPtr, len);
      const out = real(outPtr, len);
      const s = round(step);
      for (let i = 0; i < len; i++) out[i] = s * codes[i];
    },
    i32_to_f32(xPtr, outPtr, len) {
      const x = heap.i32(xPtr, len);
      const out = real(outPtr, len);
      for (let i = 0; i < len; i++) out[i] = x[i];
    },
    f32_to_i32(xPtr, outPtr, len) {
      const x = real(xPtr, len);
      const out = heap.i32(outPtr, len);
      for (let i = 0; i < len; i++) {
        const v = x[i];
        out[i] = Number.isNaN(v) ? 0 : Math.trunc(Math.min(Math.max(v, -(2 ** 31)), 2 ** 31 - 1));
      }
    },
  };
}
