/** @file Reference kernels: fill, strided copies and values of codes, which the packed runtime has too. */

import type { Context } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { CONVERT } from "./abi.js";

type Names = Exclude<keyof typeof CONVERT, "f32_fill" | "i8_dequantize" | "i32_to_f32" | "f32_to_i32">;

/** Twins of the kernels of moves. */
export function moveKernels({ heap, round, real }: Context): Pick<KernelsOf<typeof CONVERT>, Names> {
  /** Calls `visit(denseIndex, stridedOffset)` for every element, in dense order. */
  function eachOffset(rank: number, dimsPtr: Ptr, visit: (dense: number, strided: number) => void): void {
    const dims = heap.i32(dimsPtr, rank);
    const strides = heap.i32(dimsPtr + 4 * rank, rank);
    let dense = 0;
    const walk = (axis: number, offset: number): void => {
      if (axis === rank) {
        visit(dense++, offset);
        return;
      }
      for (let i = 0; i < dims[axis]; i++) walk(axis + 1, offset + i * strides[axis]);
    };
    walk(0, 0);
  }

  /** Moves elements of `bytes` bytes; the pointer of the strided side is its first element, offsets may be negative. */
  function gather(bytes: number) {
    return (srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void => {
      const all = new Uint8Array(heap.buffer);
      eachOffset(rank, dimsPtr, (dense, strided) => {
        const from = srcPtr + strided * bytes;
        all.copyWithin(outPtr + dense * bytes, from, from + bytes);
      });
    };
  }
  function scatter(bytes: number) {
    return (srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void => {
      const all = new Uint8Array(heap.buffer);
      eachOffset(rank, dimsPtr, (dense, strided) => {
        const from = srcPtr + dense * bytes;
        all.copyWithin(outPtr + strided * bytes, from, from + bytes);
      });
    };
  }

  return {
    b32_strided_copy: gather(4),
    b8_strided_copy: gather(1),
    b64_strided_copy: gather(8),
    b32_strided_scatter: scatter(4),
    b8_strided_scatter: scatter(1),
    b64_strided_scatter: scatter(8),
    u8_dequantize(codesPtr, outPtr, len, step) {
      const codes = heap.u8(codesPtr, len);
      const out = real(outPtr, len);
      const s = round(step);
      for (let i = 0; i < len; i++) out[i] = s * codes[i];
    },
  };
}
