/** @file Reference kernels: operands of stacks of small matrix products. */
import type { Kernels } from "../abi.js";
import type { Context } from "../context.js";

type Names = "f32_planes_pack";

/** Columns of a panel. */
const PANEL = 8;

/** Twin of the packing of planes. */
export function planeKernels({ real }: Context): Pick<Kernels, Names> {
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
  };
}
