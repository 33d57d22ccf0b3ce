/** @file Matrix products: f32, u8 × i8 codes, and 4-bit codes by look-up. */
import { kernelsFor } from "../../kernels/index.js";
import { bitPlanes, LOOKUP_OFFSET, packedBytes } from "../../kernels/lookup.js";
import { scope } from "../../memory/index.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { type BenchOptions, filled, measure } from "./harness.js";
import { CODE_GEMM_SHAPES, GEMM_SHAPES } from "./shapes.js";

/** Weights of the look-up rows: binary and ternary. */
const LOOKUPS = [
  { name: "u4w1gemm", weight: (i: number) => (i & 1 ? 1 : -1) },
  { name: "u4w2gemm", weight: (i: number) => (i % 3) - 1 },
];

/** Rows `sgemm MxKxN`, `u8i8gemm MxKxN`, and `u4w1gemm MxKxN` and `u4w2gemm MxKxN` with the weights packed ahead. */
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
        kernels.f32_gemm(a.ptr, b.ptr, c.ptr, M, N, K, 0, 0, 0, 0, M, 0, N, work.ptr),
      );
    });
  }
  for (const { M, K, N } of CODE_GEMM_SHAPES) {
    const shape = `${M}x${K}x${N}`;
    if (!["u8i8gemm", ...LOOKUPS.map(({ name }) => name)].some((name) => options.wants(`${name} ${shape}`))) continue;
    scope(() => {
      const lda = Math.ceil(K / 16) * 16;
      const codes = NDArray.full([M, lda], 7, "u8");
      const weights = NDArray.full([N, lda], -1, "i8");
      const sums = NDArray.empty([M, N], "i32");
      if (options.wants(`u8i8gemm ${shape}`)) {
        measure(options, { work: `u8i8gemm ${shape}`, shape }, { flops: 2 * M * K * N }, () =>
          kernels.u8_i8_gemm(codes.ptr, weights.ptr, sums.ptr, M, N, K, lda, lda),
        );
      }
      const lookupWork = NDArray.empty([kernels.u4_lut_gemm_work()], "u8");
      for (const { name, weight } of LOOKUPS) {
        if (!options.wants(`${name} ${shape}`)) continue;
        weights.view().forEach((_, i, all) => {
          all[i] = weight(Math.imul(i, 2654435761) >>> 16);
        });
        const planes = bitPlanes(kernels.i8_bits(weights.ptr, weights.size, LOOKUP_OFFSET));
        if (planes === null) throw new Error(`${name}: weights outside the planes`);
        const { offset, mask } = planes;
        const packed = NDArray.empty([packedBytes(N, K, planes)], "u8");
        kernels.i8_lut_pack(weights.ptr, packed.ptr, N, K, lda, offset, mask);
        measure(options, { work: `${name} ${shape}`, shape }, { flops: 2 * M * K * N }, () =>
          kernels.u4_lut_gemm(codes.ptr, packed.ptr, sums.ptr, M, N, K, lda, offset, mask, 0, lookupWork.ptr),
        );
      }
    });
  }
}
