/** @file Reference kernel: matrix product, with the summation order of the WebAssembly kernel. */
import type { Kernels } from "../abi.js";
import type { Context } from "../context.js";

/** Products are summed in blocks of this many k; the blocks' sums are then added in order. Same number in assembly/products/gemm.ts. */
export const GEMM_BLOCK = 384;

/** Twins of the real matrix product. */
export function gemmKernels({ real, round, temporary }: Context): Pick<Kernels, "f32_gemm" | "f32_gemm_work"> {
  return {
    f32_gemm(aPtr, bPtr, cPtr, M, N, K, transA, transB, accumulate, _workPtr) {
      const a = real(aPtr, M * K);
      const b = real(bPtr, K * N);
      const c = real(cPtr, M * N);
      const [aRow, aCol] = transA ? [1, M] : [K, 1];
      const [bRow, bCol] = transB ? [1, K] : [N, 1];
      const sums = temporary(N);
      for (let i = 0; i < M; i++) {
        if (!accumulate) c.fill(0, i * N, (i + 1) * N);
        for (let k0 = 0; k0 < K; k0 += GEMM_BLOCK) {
          sums.fill(0);
          for (let k = k0; k < Math.min(K, k0 + GEMM_BLOCK); k++) {
            const x = a[i * aRow + k * aCol];
            for (let j = 0; j < N; j++) sums[j] += round(x * b[k * bRow + j * bCol]);
          }
          for (let j = 0; j < N; j++) c[i * N + j] += sums[j];
        }
      }
    },
    f32_gemm_work: () => 0,
  };
}
