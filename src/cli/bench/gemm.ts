/** @file Matrix products: f32, and u8 × i8 codes. */
import { kernelsFor } from "../../kernels/index.js";
import { scope } from "../../memory/index.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { type BenchOptions, filled, measure } from "./harness.js";
import { CODE_GEMM_SHAPES, GEMM_SHAPES } from "./shapes.js";

/** Rows `sgemm MxKxN` and `u8i8gemm MxKxN`. */
export function benchGemm(options: BenchOptions): void {
  const kernels = kernelsFor("f32");
  for (const { M, K, N } of GEMM_SHAPES) {
    const shape = `${M}x${K}x${N}`;
    if (!options.wants(`sgemm ${shape}`)) continue;
    scope(() => {
      const a = filled([M, K]);
      const b = filled([K, N]);
      const c = NDArray.empty([M, N]);
      const work = NDArray.empty([kernels.f32_gemm_work(M, N, K)], "u8");
      measure(options, { work: `sgemm ${shape}`, shape }, { flops: 2 * M * K * N }, () =>
        kernels.f32_gemm(a.ptr, b.ptr, c.ptr, M, N, K, 0, 0, 0, work.ptr),
      );
    });
  }
  for (const { M, K, N } of CODE_GEMM_SHAPES) {
    const shape = `${M}x${K}x${N}`;
    if (!options.wants(`u8i8gemm ${shape}`)) continue;
    scope(() => {
      const lda = Math.ceil(K / 16) * 16;
      const codes = NDArray.full([M, lda], 7, "u8");
      const weights = NDArray.full([N, lda], -1, "i8");
      const sums = NDArray.empty([M, N], "i32");
      measure(options, { work: `u8i8gemm ${shape}`, shape }, { flops: 2 * M * K * N }, () =>
        kernels.u8_i8_gemm(codes.ptr, weights.ptr, sums.ptr, M, N, K, lda, lda),
      );
    });
  }
}
