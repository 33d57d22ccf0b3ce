/**
 * @file Reference kernels: matrix products, of reals with the summation order of the WebAssembly kernel, and of codes,
 * which the packed runtime has too.
 */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { PRODUCTS } from "./abi.js";
import { planesOf, unpack } from "./bit-planes.js";
import { GEMM_BLOCK, LOOKUP_FILTERS } from "./sizes.js";

type Names = Exclude<keyof typeof PRODUCTS, "u8_max" | "i8_bits">;

/** Twins of the kernels that multiply. */
export function matrixKernels({ heap, real, round, temporary }: Context): Pick<KernelsOf<typeof PRODUCTS>, Names> {
  return {
    f32_gemm(aPtr, bPtr, cPtr, M, N, K, transA, transB, accumulate, ...ranges) {
      const [rowStart, rowCount, columnStart, columnCount] = ranges;
      const columnEnd = columnStart + columnCount;
      const a = real(aPtr, M * K);
      const b = real(bPtr, K * N);
      const c = real(cPtr, M * N);
      const [aRow, aCol] = transA ? [1, M] : [K, 1];
      const [bRow, bCol] = transB ? [1, K] : [N, 1];
      const sums = temporary(N);
      for (let i = rowStart; i < rowStart + rowCount; i++) {
        if (!accumulate) c.fill(0, i * N + columnStart, i * N + columnEnd);
        for (let k0 = 0; k0 < K; k0 += GEMM_BLOCK) {
          sums.fill(0);
          for (let k = k0; k < Math.min(K, k0 + GEMM_BLOCK); k++) {
            const x = a[i * aRow + k * aCol];
            for (let j = columnStart; j < columnEnd; j++) sums[j] += round(x * b[k * bRow + j * bCol]);
          }
          for (let j = columnStart; j < columnEnd; j++) c[i * N + j] += sums[j];
        }
      }
    },
    f32_gemm_work: () => 0,
    u8_i8_gemm(aPtr, bPtr, cPtr, M, N, K, lda, ldb) {
      const a = heap.u8(aPtr, M * lda);
      const b = heap.i8(bPtr, N * ldb);
      const c = heap.i32(cPtr, M * N);
      for (let i = 0; i < M; i++) {
        for (let j = 0; j < N; j++) {
          let sum = 0;
          for (let k = 0; k < K; k++) sum += a[i * lda + k] * b[j * ldb + k];
          c[i * N + j] = sum;
        }
      }
    },
    i8_lut_pack(weightsPtr, outPtr, N, K, ldb, offset, mask) {
      const planes = planesOf(mask);
      const weights = heap.i8(weightsPtr, (N - 1) * ldb + K);
      const groups = Math.ceil(K / 16) * 4;
      const out = heap.u8(outPtr, Math.ceil(N / LOOKUP_FILTERS) * planes.length * groups * LOOKUP_FILTERS).fill(0);
      for (let n = 0; n < N; n++) {
        planes.forEach((plane, p) => {
          const block = Math.floor(n / LOOKUP_FILTERS) * planes.length + p;
          for (let k = 0; k < K; k++) {
            const bit = ((weights[n * ldb + k] + offset) >> plane) & 1;
            out[(block * groups + (k >> 2)) * LOOKUP_FILTERS + (n % LOOKUP_FILTERS)] |= bit << (k & 3);
          }
        });
      }
    },
    u4_lut_gemm(aPtr, weightsPtr, cPtr, M, N, K, lda, offset, mask, asReal) {
      const a = heap.u8(aPtr, (M - 1) * lda + K);
      const weights = unpack(heap, weightsPtr, N, K, offset, mask);
      const c = asReal ? heap.f32(cPtr, M * N) : heap.i32(cPtr, M * N);
      for (let m = 0; m < M; m++) {
        for (let n = 0; n < N; n++) {
          let sum = 0;
          for (let k = 0; k < K; k++) sum += a[m * lda + k] * weights[n * K + k];
          c[m * N + n] = sum;
        }
      }
    },
    u4_lut_gemm_work: () => 0,
  };
}
