/** @file Reference kernels: affine maps of channels, which the packed runtime has too. */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { NORM } from "./abi.js";

/** Twins of the affine maps. */
export function mapKernels({
  heap,
  round,
  real,
}: Context): Pick<KernelsOf<typeof NORM>, "f32_channel_affine" | "i32_scale_bias"> {
  return {
    f32_channel_affine(xPtr, outPtr, rows, channels, scalePtr, shiftPtr) {
      const x = real(xPtr, rows * channels);
      const out = real(outPtr, rows * channels);
      const scale = real(scalePtr, channels);
      const shift = real(shiftPtr, channels);
      for (let i = 0; i < x.length; i++) out[i] = round(x[i] * scale[i % channels]) + shift[i % channels];
    },
    i32_scale_bias(accPtr, outPtr, rows, channels, scalePtr, biasPtr) {
      const acc = heap.i32(accPtr, rows * channels);
      const out = heap.f32(outPtr, rows * channels);
      const scale = heap.f32(scalePtr, channels);
      const bias = biasPtr === 0 ? null : heap.f32(biasPtr, channels);
      for (let i = 0; i < acc.length; i++) {
        const product = Math.fround(Math.fround(acc[i]) * scale[i % channels]);
        out[i] = bias === null ? product : product + bias[i % channels];
      }
    },
  };
}
