/** @file Reference kernels: the convolution of bytes with i8 weights packed in pairs. */
import type { Kernels, Ptr } from "../abi.js";
import { type Context, imageLength, readGeometry } from "../context.js";
import { eachTap } from "./window.js";

/** Place of weight (filter n, run r, element k) in the packed form. */
function placeOf(n: number, r: number, k: number, runs: number, run: number): number {
  const pairs = Math.ceil(run / 2);
  const pair = (Math.floor(n / 8) * runs + r) * pairs + Math.floor(k / 2);
  return (pair * 8 + (n % 8)) * 2 + (k % 2);
}

function packedLength(filters: number, runs: number, run: number): number {
  return Math.ceil(filters / 8) * runs * Math.ceil(run / 2) * 16;
}

/** `length` i16 at `ptr`, which is even. */
function shorts(heap: Context["heap"], ptr: Ptr, length: number): Int16Array {
  const { buffer, byteOffset } = heap.u8(ptr, 2 * length);
  return new Int16Array(buffer, byteOffset, length);
}

/** Twins of the byte convolution. */
export function byteConvKernels({ heap }: Context): Pick<Kernels, "i8_pair_pack" | "u8_i8_conv" | "u8_i8_conv_work"> {
  return {
    i8_pair_pack(weightsPtr, outPtr, filters, runs, run) {
      const weights = heap.i8(weightsPtr, filters * runs * run);
      const out = shorts(heap, outPtr, packedLength(filters, runs, run)).fill(0);
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
      const weights = shorts(heap, weightsPtr, packedLength(filters, g.kernelH, run));
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
  };
}
