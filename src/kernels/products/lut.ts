/** @file Reference kernels: products of 4-bit codes and weights packed by bit planes. */
import type { Kernels, Ptr } from "../abi.js";
import { type Context, imageLength, readGeometry } from "../context.js";
import { eachTap } from "../conv/window.js";

type Names =
  | "u8_max"
  | "i8_bits"
  | "i8_lut_pack"
  | "u4_lut_gemm"
  | "u4_lut_gemm_work"
  | "u4_lut_conv"
  | "u4_lut_conv_work";

/** Places of the bits that are set. */
function planesOf(mask: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter((plane) => (mask >> plane) & 1);
}

/** Twins of the look-up kernels. */
export function lutKernels({ heap }: Context): Pick<Kernels, Names> {
  /** Weights [N, K] from their packed form. */
  function unpack(weightsPtr: Ptr, N: number, K: number, offset: number, mask: number): Int32Array {
    const planes = planesOf(mask);
    const groups = Math.ceil(K / 16) * 4;
    const packed = heap.u8(weightsPtr, Math.ceil(N / 16) * planes.length * groups * 16);
    return Int32Array.from({ length: N * K }, (_, i) => {
      const [n, k] = [Math.floor(i / K), i % K];
      let weight = -offset;
      planes.forEach((plane, p) => {
        const block = Math.floor(n / 16) * planes.length + p;
        const nibble = packed[(block * groups + (k >> 2)) * 16 + (n % 16)];
        weight += ((nibble >> (k & 3)) & 1) << plane;
      });
      return weight;
    });
  }
  /** C, where `real` says whether its words are i32 or f32; a Float32Array rounds as the kernel does. */
  const sums = (cPtr: Ptr, length: number, real: number) => (real ? heap.f32(cPtr, length) : heap.i32(cPtr, length));

  return {
    u8_max(xPtr, len) {
      return heap.u8(xPtr, len).reduce((most, x) => Math.max(most, x), 0);
    },
    i8_bits(codesPtr, len, offset) {
      return heap.i8(codesPtr, len).reduce((bits, code) => bits | (code + offset), 0) & 255;
    },
    i8_lut_pack(weightsPtr, outPtr, N, K, ldb, offset, mask) {
      const planes = planesOf(mask);
      const weights = heap.i8(weightsPtr, (N - 1) * ldb + K);
      const groups = Math.ceil(K / 16) * 4;
      const out = heap.u8(outPtr, Math.ceil(N / 16) * planes.length * groups * 16).fill(0);
      for (let n = 0; n < N; n++) {
        planes.forEach((plane, p) => {
          const block = Math.floor(n / 16) * planes.length + p;
          for (let k = 0; k < K; k++) {
            const bit = ((weights[n * ldb + k] + offset) >> plane) & 1;
            out[(block * groups + (k >> 2)) * 16 + (n % 16)] |= bit << (k & 3);
          }
        });
      }
    },
    u4_lut_gemm(aPtr, weightsPtr, cPtr, M, N, K, lda, offset, mask, real, _workPtr) {
      const a = heap.u8(aPtr, (M - 1) * lda + K);
      const weights = unpack(weightsPtr, N, K, offset, mask);
      const c = sums(cPtr, M * N, real);
      for (let m = 0; m < M; m++) {
        for (let n = 0; n < N; n++) {
          let sum = 0;
          for (let k = 0; k < K; k++) sum += a[m * lda + k] * weights[n * K + k];
          c[m * N + n] = sum;
        }
      }
    },
    u4_lut_gemm_work: () => 0,
    u4_lut_conv(xPtr, weightsPtr, cPtr, geomPtr, lineStart, lineCount, filters, offset, mask, real, _workPtr) {
      const g = readGeometry(heap, geomPtr);
      const K = g.kernelH * g.kernelW * g.channels;
      const x = heap.u8(xPtr, imageLength(g));
      const weights = unpack(weightsPtr, filters, K, offset, mask);
      const c = sums(cPtr, lineCount * g.outW * filters, real);
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
