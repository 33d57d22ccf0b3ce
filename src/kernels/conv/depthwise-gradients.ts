/** @file Reference kernels: gradients of depthwise convolutions. */

import { type Context, imageLength, readGeometry } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { CONV } from "./abi.js";
import { eachTap } from "./window.js";

type Conv = KernelsOf<typeof CONV>;
type Names = "f32_depthwise_bwd_input" | "f32_depthwise_bwd_weight" | "u8_depthwise_bwd_weight_f32";

/** Twins of the gradients of depthwise convolutions. */
export function depthwiseGradientKernels({ heap, real, round }: Context): Pick<Conv, Names> {
  const weightGradient =
    (view: (ptr: Ptr, length: number) => { readonly [i: number]: number }): Conv["f32_depthwise_bwd_weight"] =>
    (xPtr, dyPtr, dwPtr, geomPtr, rowStart, rowCount, tapStart, tapCount) => {
      const g = readGeometry(heap, geomPtr);
      const { channels, kernelH, kernelW } = g;
      const x = view(xPtr, imageLength(g));
      const dy = real(dyPtr, rowCount * channels);
      const dw = real(dwPtr, kernelH * kernelW * channels);
      const sums = new Float64Array(dw.length);
      eachTap(g, rowStart, rowCount, (row, tap, image) => {
        if (image < 0) return;
        for (let c = 0; c < channels; c++) sums[tap * channels + c] += round(dy[row * channels + c] * x[image + c]);
      });
      for (let i = tapStart * channels; i < (tapStart + tapCount) * channels; i++) dw[i] += round(sums[i]);
    };
  return {
    f32_depthwise_bwd_input(dyPtr, weightsPtr, dxPtr, geomPtr, imageCount, _workPtr) {
      const g = { ...readGeometry(heap, geomPtr), batch: imageCount };
      const { channels, kernelH, kernelW, outH, outW } = g;
      const rows = imageCount * outH * outW;
      const dy = real(dyPtr, rows * channels);
      const w = real(weightsPtr, kernelH * kernelW * channels);
      const dx = real(dxPtr, imageLength(g));
      eachTap(g, 0, rows, (row, tap, image) => {
        if (image < 0) return;
        for (let c = 0; c < channels; c++) dx[image + c] += round(dy[row * channels + c] * w[tap * channels + c]);
      });
    },
    f32_depthwise_bwd_weight: weightGradient(real),
    u8_depthwise_bwd_weight_f32: weightGradient((ptr, length) => heap.u8(ptr, length)),
  };
}
