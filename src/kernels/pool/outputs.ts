/** @file Reference kernels: outputs of max and average pooling of NHWC images, which the packed runtime has too. */

import { type Context, type Geometry, imageLength, readGeometry } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { POOL } from "./abi.js";

/** Offsets of the pixels inside the image of the window at output position `position`, taps in order. */
export function pixelsOf(g: Geometry, position: number): number[] {
  const ow = position % g.outW;
  const oh = Math.floor(position / g.outW) % g.outH;
  const n = Math.floor(position / (g.outW * g.outH));
  const pixels: number[] = [];
  for (let kh = 0; kh < g.kernelH; kh++) {
    for (let kw = 0; kw < g.kernelW; kw++) {
      const ih = oh * g.strideH - g.padTop + kh * g.dilationH;
      const iw = ow * g.strideW - g.padLeft + kw * g.dilationW;
      if (ih >= 0 && ih < g.inH && iw >= 0 && iw < g.inW) {
        pixels.push(((n * g.inH + ih) * g.inW + iw) * g.channelStride);
      }
    }
  }
  return pixels;
}

/** Positions of the images in range, and how many there are in all. */
export function range(
  g: Geometry,
  imageStart: number,
  imageCount: number,
): readonly [first: number, end: number, all: number] {
  const perImage = g.outH * g.outW;
  return [imageStart * perImage, (imageStart + imageCount) * perImage, g.batch * perImage];
}

type Names = "f32_maxpool" | "u8_maxpool" | "u8_maxpool_codes" | "f32_avgpool";

/** Twins of the kernels of outputs. */
export function poolOutputs({ heap, round, real }: Context): Pick<KernelsOf<typeof POOL>, Names> {
  function maxpool(view: (ptr: Ptr, length: number) => { [i: number]: number }, lowest: number) {
    return (xPtr: Ptr, outPtr: Ptr, indexPtr: Ptr, geomPtr: Ptr, imageStart: number, imageCount: number): void => {
      const g = readGeometry(heap, geomPtr);
      const [first, end, positions] = range(g, imageStart, imageCount);
      const x = view(xPtr, imageLength(g));
      const out = view(outPtr, positions * g.channels);
      const index = heap.i32(indexPtr, positions * g.channels);
      for (let position = first; position < end; position++) {
        const pixels = pixelsOf(g, position);
        for (let c = 0; c < g.channels; c++) {
          let best = lowest;
          let at = -1;
          for (const pixel of pixels) {
            const v = x[pixel + c];
            if (at < 0 || v > best || (Number.isNaN(v) && !Number.isNaN(best))) {
              best = v;
              at = pixel + c;
            }
          }
          out[position * g.channels + c] = best;
          index[position * g.channels + c] = at;
        }
      }
    };
  }

  return {
    f32_maxpool: maxpool(real, -Infinity),
    u8_maxpool: maxpool((ptr, length) => heap.u8(ptr, length), 0),
    u8_maxpool_codes(xPtr, outPtr, geomPtr) {
      const g = readGeometry(heap, geomPtr);
      const x = heap.u8(xPtr, imageLength(g));
      const out = heap.u8(outPtr, g.batch * g.outH * g.outW * g.channels);
      for (let i = 0; i < out.length; i++) {
        const pixels = pixelsOf(g, Math.floor(i / g.channels));
        out[i] = pixels.reduce((best, pixel) => Math.max(best, x[pixel + (i % g.channels)]), 0);
      }
    },
    f32_avgpool(xPtr, outPtr, geomPtr, includePad, imageStart, imageCount) {
      const g = readGeometry(heap, geomPtr);
      const [first, end, positions] = range(g, imageStart, imageCount);
      const x = real(xPtr, imageLength(g));
      const out = real(outPtr, positions * g.channels);
      for (let position = first; position < end; position++) {
        const pixels = pixelsOf(g, position);
        const count = includePad ? g.kernelH * g.kernelW : Math.max(1, pixels.length);
        for (let c = 0; c < g.channels; c++) {
          let sum = 0;
          for (const pixel of pixels) sum = round(sum + x[pixel + c]);
          out[position * g.channels + c] = sum / count;
        }
      }
    },
  };
}
