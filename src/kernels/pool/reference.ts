/** @file Reference kernels: max and average pooling of NHWC images, and the gradients. */

import { type Context, imageLength, readGeometry } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { POOL } from "./abi.js";
import { pixelsOf, poolOutputs, range } from "./outputs.js";

/** Twins of the pooling kernels. */
export function poolKernels(context: Context): KernelsOf<typeof POOL> {
  const { heap, round, real } = context;
  return {
    ...poolOutputs(context),
    f32_index_add(dyPtr, indexPtr, dxPtr, len) {
      const dy = real(dyPtr, len);
      const index = heap.i32(indexPtr, len);
      let extent = 0;
      for (const at of index) extent = Math.max(extent, at + 1);
      const dx = real(dxPtr, extent);
      for (let i = 0; i < len; i++) if (index[i] >= 0) dx[index[i]] += dy[i];
    },
    f32_avgpool_bwd(dyPtr, dxPtr, geomPtr, includePad, imageStart, imageCount) {
      const g = readGeometry(heap, geomPtr);
      const [first, end, positions] = range(g, imageStart, imageCount);
      const dy = real(dyPtr, positions * g.channels);
      const dx = real(dxPtr, imageLength(g));
      for (let position = first; position < end; position++) {
        const pixels = pixelsOf(g, position);
        const count = includePad ? g.kernelH * g.kernelW : Math.max(1, pixels.length);
        for (let c = 0; c < g.channels; c++) {
          const share = round(dy[position * g.channels + c] / count);
          for (const pixel of pixels) dx[pixel + c] += share;
        }
      }
    },
  };
}
