/** @file Reference kernels: depthwise convolutions, one filter for each channel. */

import { type Context, imageLength, readGeometry } from "../context.js";
import type { KernelsOf } from "../contract.js";
import { pairedTaps } from "../depthwise.js";
import type { CONV } from "./abi.js";
import { shorts } from "./lines.js";
import { eachTap } from "./window.js";

type Names = "u8_depthwise" | "f32_depthwise" | "u8_depthwise_work";

/** Twins of the depthwise convolutions. */
export function depthwiseKernels({ heap, real, round }: Context): Pick<KernelsOf<typeof CONV>, Names> {
  return {
    u8_depthwise(xPtr, weightsPtr, cPtr, geomPtr, lineStart, lineCount, asReal, _workPtr) {
      const g = readGeometry(heap, geomPtr);
      const { channels, kernelH, kernelW, outW } = g;
      const { length, at } = pairedTaps(channels, kernelH * kernelW);
      const x = heap.u8(xPtr, imageLength(g));
      const weights = shorts(heap, weightsPtr, length);
      const sums = new Float64Array(lineCount * outW * channels);
      eachTap(g, lineStart * outW, lineCount * outW, (row, tap, image) => {
        if (image < 0) return;
        for (let c = 0; c < channels; c++) sums[row * channels + c] += x[image + c] * weights[at(c, tap)];
      });
      (asReal ? heap.f32(cPtr, sums.length) : heap.i32(cPtr, sums.length)).set(sums);
    },
    f32_depthwise(xPtr, weightsPtr, cPtr, geomPtr, lineStart, lineCount, _workPtr) {
      const g = readGeometry(heap, geomPtr);
      const { channels, kernelH, kernelW, outW } = g;
      const x = real(xPtr, imageLength(g));
      const w = real(weightsPtr, kernelH * kernelW * channels);
      const sums = new Float64Array(lineCount * outW * channels);
      eachTap(g, lineStart * outW, lineCount * outW, (row, tap, image) => {
        for (let c = 0; c < channels; c++) {
          sums[row * channels + c] += round((image < 0 ? 0 : x[image + c]) * w[tap * channels + c]);
        }
      });
      real(cPtr, sums.length).set(sums);
    },
    u8_depthwise_work: () => 0,
  };
}
