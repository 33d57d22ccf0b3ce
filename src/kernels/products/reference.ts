/** @file Reference kernels: matrix products, and what is asked of codes before they are multiplied. */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { PRODUCTS } from "./abi.js";
import { matrixKernels } from "./matrix.js";

/** Twins of the matrix products. */
export function productKernels(context: Context): KernelsOf<typeof PRODUCTS> {
  const { heap } = context;
  return {
    ...matrixKernels(context),
    u8_max(xPtr, len) {
      return heap.u8(xPtr, len).reduce((most, x) => Math.max(most, x), 0);
    },
    i8_bits(codesPtr, len, offset) {
      return heap.i8(codesPtr, len).reduce((bits, code) => bits | (code + offset), 0) & 255;
    },
  };
}
