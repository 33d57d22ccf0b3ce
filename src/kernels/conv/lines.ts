/**
 * @file Reference kernels: convolutions of codes, line by line: with i8 weights packed in quads, and by look-up with
 * weights packed by bit planes.
 */

import { quadBytes } from "../byte-conv.js";
import { type Context, imageLength, readGeometry } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import { unpack } from "../products/bit-planes.js";
import type { CONV } from "./abi.js";
import { QUAD, QUAD_FILTERS, QUAD_HEADER } from "./sizes.js";
import { eachTap } from "./window.js";

/** Place of weight (filter n, run r, element k) in the packed form. */
function placeOf(n: number, r: number, k: number, runs: number, run: number): number {
  const quads = Math.ceil(run / QUAD);
  const quad = (Math.floor(n / QUAD_FILTERS) * runs + r) * quads + Math.floor(k / QUAD);
  return QUAD_HEADER + (quad * QUAD_FILTERS + (n % QUAD_FILTERS)) * QUAD + (k % QUAD);
}

/** `length` i16 at `ptr`, which is even. */
export function shorts(heap: Context["heap"], ptr: Ptr, length: number): Int16Array {
  const { buffer, byteOffset } = heap.u8(ptr, 2 * length);
  return new Int16Array(buffer, byteOffset, length);
}

type Names = "i8_quad_pack" | "u8_i8_conv" | "u8_i8_conv_work" | "u4_lut_conv" | "u4_lut_conv_work";

/** Twins of the convolutions of codes. */
export function lineKernels({ heap }: Context): Pick<KernelsOf<typeof CONV>, Names> {
  return {
    i8_quad_pack(weightsPtr, outPtr, filters, runs, run) {
      const weights = heap.i8(weightsPtr, filters * runs * run);
      const out = heap.i8(outPtr, quadBytes(filters, runs, run)).fill(0);
      heap.i32(outPtr, 1)[0] = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      for (let n = 0; n < filters; n++) {
        for (let r = 0; r < runs; r++) {
          for (let k = 0; k < run; k++) out[placeOf(n, r, k, runs, run)] = weights[(n * runs + r) * run + k];
        }
      }
    },
    u8_i8_conv(xPtr, weightsPtr, cPtr, geomPtr, lineStart, lineCount, filters, real, _workPtr) {
      const g = readGeometry(heap, geomPtr);
      const run = g.kernelW * g.channels;
      const x = heap.u8(xPtr, imageLength(g));
      const weights = heap.i8(weightsPtr, quadBytes(filters, g.kernelH, run));
      const length = lineCount * g.outW * filters;
      const exact = new Float64Array(length);
      eachTap(g, lineStart * g.outW, lineCount * g.outW, (row, tap, image) => {
        if (image < 0) return;
        const [r, first] = [Math.floor(tap / g.kernelW), (tap % g.kernelW) * g.channels];
        for (let n = 0; n < filters; n++) {
          let sum = 0;
          for (let i = 0; i < g.channels; i++) {
            sum += x[image + i] * weights[placeOf(n, r, first + i, g.kernelH, run)];
          }
          exact[row * filters + n] += sum;
        }
      });
      (real ? heap.f32(cPtr, length) : heap.i32(cPtr, length)).set(exact);
    },
    u8_i8_conv_work: () => 0,
    u4_lut_conv(xPtr, weightsPtr, cPtr, geomPtr, lineStart, lineCount, filters, offset, mask, real, _workPtr) {
      const g = readGeometry(heap, geomPtr);
      const length = lineCount * g.outW * filters;
      const K = g.kernelH * g.kernelW * g.channels;
      const x = heap.u8(xPtr, imageLength(g));
      const weights = unpack(heap, weightsPtr, filters, K, offset, mask);
      const c = real ? heap.f32(cPtr, length) : heap.i32(cPtr, length);
      // Sums are formed in f64, so that f32 words are rounded once.
      const exact = new Float64Array(c.length);
      eachTap(g, lineStart * g.outW, lineCount * g.outW, (row, tap, image) => {
        if (image < 0) return;
        for (let n = 0; n < filters; n++) {
          const w = n * K + tap * g.channels;
          let sum = 0;
          for (let i = 0; i < g.channels; i++) sum += x[image + i] * weights[w + i];
          exact[row * filters + n] += sum;
        }
      });
      c.set(exact);
    },
    u4_lut_conv_work: () => 0,
  };
}
