/** @file Reference kernels: patches of NHWC images (im2col), which the packed runtime has too. */

import { type Context, type Geometry, imageLength, readGeometry } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { CONV } from "./abi.js";

type Names = "f32_im2col" | "u8_im2col_f32" | "u8_im2col";

/**
 * Visits every (row, tap) of rows [rowStart, rowStart + rowCount): `image` is the offset of the tap's first channel, −1
 * where padded.
 */
export function eachTap(
  g: Geometry,
  rowStart: number,
  rowCount: number,
  visit: (row: number, tap: number, image: number) => void,
): void {
  for (let row = 0; row < rowCount; row++) {
    const position = rowStart + row;
    const ow = position % g.outW;
    const oh = Math.floor(position / g.outW) % g.outH;
    const n = Math.floor(position / (g.outW * g.outH));
    for (let kh = 0; kh < g.kernelH; kh++) {
      for (let kw = 0; kw < g.kernelW; kw++) {
        const ih = oh * g.strideH - g.padTop + kh * g.dilationH;
        const iw = ow * g.strideW - g.padLeft + kw * g.dilationW;
        const inside = ih >= 0 && ih < g.inH && iw >= 0 && iw < g.inW;
        visit(row, kh * g.kernelW + kw, inside ? ((n * g.inH + ih) * g.inW + iw) * g.channelStride : -1);
      }
    }
  }
}

/** Twins of the window kernels. */
export function windowKernels({ heap, real }: Context): Pick<KernelsOf<typeof CONV>, Names> {
  type Numbers = { [i: number]: number };
  function gather(
    viewIn: (ptr: Ptr, length: number) => Numbers,
    viewOut: (ptr: Ptr, length: number) => Numbers & { fill(value: number): unknown },
  ) {
    return (srcPtr: Ptr, outPtr: Ptr, geomPtr: Ptr, rowStart: number, rowCount: number, rowStride?: number): void => {
      const g = readGeometry(heap, geomPtr);
      const stride = rowStride ?? g.kernelH * g.kernelW * g.channels;
      const src = viewIn(srcPtr, imageLength(g));
      const out = viewOut(outPtr, rowCount * stride);
      out.fill(0);
      eachTap(g, rowStart, rowCount, (row, tap, image) => {
        if (image < 0) return;
        for (let c = 0; c < g.channels; c++) out[row * stride + tap * g.channels + c] = src[image + c];
      });
    };
  }
  const bytes = (ptr: Ptr, length: number) => heap.u8(ptr, length);

  return {
    f32_im2col: gather(real, real),
    u8_im2col_f32: gather(bytes, real),
    u8_im2col: gather(bytes, bytes),
  };
}
