/**
 * @file Reference kernels: convolution as a product with patches, in the summation order of the WebAssembly kernels.
 */

import { type Context, type RealArray, readGeometry } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import { GEMM_BLOCK } from "../products/sizes.js";
import type { CONV } from "./abi.js";
import { adjointKernels } from "./adjoint.js";
import { SUM_BYTES, SUM_LEAST_ROWS, SUM_MOST_ROWS } from "./sizes.js";
import { windowKernels } from "./window.js";

type Conv = KernelsOf<typeof CONV>;
type Names =
  | "f32_conv"
  | "u8_conv_f32"
  | "f32_conv_bwd_weight"
  | "u8_conv_bwd_weight_f32"
  | "f32_conv_bwd_input"
  | "f32_conv_work";

/** Rows whose products are summed before they are added to the gradient of the weights */
function sumRows(K: number): number {
  return Math.max(SUM_LEAST_ROWS, Math.min(SUM_MOST_ROWS, Math.floor(SUM_BYTES / (K << 2)) & ~3));
}

/** Twins of the convolution kernels. */
export function directKernels(context: Context): Pick<Conv, Names> {
  const { heap, real, round, temporary } = context;
  const windows = windowKernels(context);
  const { f32_col2im } = adjointKernels(context);
  const width = real(0, 0).BYTES_PER_ELEMENT;
  type Patches = Conv["f32_im2col"];

  const patchLength = (geomPtr: Ptr): number => {
    const g = readGeometry(heap, geomPtr);
    return g.kernelH * g.kernelW * g.channels;
  };

  /** The patches of some rows, written at workPtr. */
  const patchesAt = (
    patches: Patches,
    [srcPtr, workPtr, geomPtr]: readonly [Ptr, Ptr, Ptr],
    first: number,
    count: number,
    K: number,
  ): RealArray => {
    patches(srcPtr, workPtr, geomPtr, first, count);
    return real(workPtr, count * K);
  };

  const forward =
    (patches: Patches): Conv["f32_conv"] =>
    (xPtr, wPtr, yPtr, geomPtr, filters, yStride, rowStart, rowCount, workPtr) => {
      const K = patchLength(geomPtr);
      const w = real(wPtr, filters * K);
      const y = real(yPtr, rowCount === 0 ? 0 : (rowCount - 1) * yStride + filters);
      for (let row = 0; row < rowCount; row++) {
        const patch = patchesAt(patches, [xPtr, workPtr, geomPtr], rowStart + row, 1, K);
        for (let o = 0; o < filters; o++) {
          const at = row * yStride + o;
          for (let k0 = 0; k0 < K; k0 += GEMM_BLOCK) {
            let sum = 0;
            for (let k = k0; k < Math.min(K, k0 + GEMM_BLOCK); k++) {
              sum = round(sum + round(patch[k] * w[o * K + k]));
            }
            y[at] = k0 === 0 ? sum : y[at] + sum;
          }
        }
      }
    };

  const backwardWeight =
    (patches: Patches): Conv["f32_conv_bwd_weight"] =>
    (xPtr, dyPtr, dwPtr, geomPtr, filters, dyStride, rowStart, rowCount, workPtr) => {
      const K = patchLength(geomPtr);
      const dw = real(dwPtr, filters * K);
      const dy = real(dyPtr, rowCount === 0 ? 0 : (rowCount - 1) * dyStride + filters);
      const block = sumRows(K);
      for (let start = 0; start < rowCount; start += block) {
        const count = Math.min(block, rowCount - start);
        const sums = temporary(filters * K);
        for (let row = 0; row < count; row++) {
          const patch = patchesAt(patches, [xPtr, workPtr, geomPtr], rowStart + start + row, 1, K);
          for (let o = 0; o < filters; o++) {
            const g = dy[(start + row) * dyStride + o];
            for (let k = 0; k < K; k++) sums[o * K + k] += round(g * patch[k]);
          }
        }
        for (let i = 0; i < sums.length; i++) dw[i] += sums[i];
      }
    };

  return {
    f32_conv: forward(windows.f32_im2col),
    u8_conv_f32: forward(windows.u8_im2col_f32),
    f32_conv_bwd_weight: backwardWeight(windows.f32_im2col),
    u8_conv_bwd_weight_f32: backwardWeight(windows.u8_im2col_f32),
    f32_conv_bwd_input(dyPtr, wPtr, dxPtr, geomPtr, filters, dyStride, imageCount, workPtr) {
      const g = readGeometry(heap, geomPtr);
      const K = patchLength(geomPtr);
      const rows = imageCount * g.outH * g.outW;
      const w = real(wPtr, filters * K);
      const dy = real(dyPtr, rows === 0 ? 0 : (rows - 1) * dyStride + filters);
      const patch = real(workPtr, K);
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < K; k++) {
          for (let o0 = 0; o0 < filters; o0 += GEMM_BLOCK) {
            let sum = 0;
            for (let o = o0; o < Math.min(filters, o0 + GEMM_BLOCK); o++) {
              sum = round(sum + round(dy[row * dyStride + o] * w[o * K + k]));
            }
            patch[k] = o0 === 0 ? sum : patch[k] + sum;
          }
        }
        f32_col2im(workPtr, dxPtr, geomPtr, row, 1);
      }
    },
    f32_conv_work: (geomPtr) => width * patchLength(geomPtr),
  };
}
