/** @file Reference kernels: stacks of small matrix products. */
import type { Kernels } from "../abi.js";
import type { Context } from "./context.js";

type Names = "f32_planes_pack" | "f32_planes_multiply" | "f32_planes_outer" | "f32_planes_work";

/** Columns of a panel. */
const PANEL = 8;

/** Twins of the products of planes. */
export function planeKernels({ real, round }: Context): Pick<Kernels, Names> {
  return {
    f32_planes_pack(srcPtr, outPtr, planes, srcStride, K, N) {
      const wide = Math.ceil(N / PANEL) * PANEL;
      const src = real(srcPtr, (planes - 1) * srcStride + K * N);
      const out = real(outPtr, planes * wide * K);
      for (let plane = 0; plane < planes; plane++) {
        for (let k = 0; k < K; k++) {
          for (let j = 0; j < wide; j++) {
            const at = plane * wide * K + (j - (j % PANEL)) * K + k * PANEL + (j % PANEL);
            out[at] = j < N ? src[plane * srcStride + k * N + j] : 0;
          }
        }
      }
    },
    f32_planes_multiply(aPtr, packedPtr, cPtr, planes, aStride, cStride, M, N, K) {
      const wide = Math.ceil(N / PANEL) * PANEL;
      const a = real(aPtr, (planes - 1) * aStride + M * K);
      const b = real(packedPtr, planes * wide * K);
      const c = real(cPtr, (planes - 1) * cStride + M * N);
      for (let plane = 0; plane < planes; plane++) {
        for (let i = 0; i < M; i++) {
          for (let j = 0; j < N; j++) {
            const column = plane * wide * K + (j - (j % PANEL)) * K + (j % PANEL);
            let sum = 0;
            for (let k = 0; k < K; k++) {
              sum = round(sum + round(a[plane * aStride + i * K + k] * b[column + k * PANEL]));
            }
            c[plane * cStride + i * N + j] = sum;
          }
        }
      }
    },
    f32_planes_outer(aPtr, bPtr, cPtr, planes, aStride, bStride, M, N, K) {
      const a = real(aPtr, (planes - 1) * aStride + M * K);
      const b = real(bPtr, (planes - 1) * bStride + K * N);
      const c = real(cPtr, planes * M * N);
      for (let plane = 0; plane < planes; plane++) {
        for (let i = 0; i < M; i++) {
          for (let j = 0; j < N; j++) {
            let sum = 0;
            for (let k = 0; k < K; k++) {
              sum = round(sum + round(a[plane * aStride + k * M + i] * b[plane * bStride + k * N + j]));
            }
            c[(plane * M + i) * N + j] += sum;
          }
        }
      }
    },
    f32_planes_work: () => 0,
  };
}
