/** @file Reference kernels: the adjoint of patches (col2im). */

import { type Context, imageLength, readGeometry } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { CONV } from "./abi.js";
import { eachTap } from "./window.js";

/** Twin of the adjoint. */
export function adjointKernels({ heap, real }: Context): Pick<KernelsOf<typeof CONV>, "f32_col2im"> {
  return {
    f32_col2im(colsPtr, imagePtr, geomPtr, rowStart, rowCount) {
      const g = readGeometry(heap, geomPtr);
      const width = g.kernelH * g.kernelW * g.channels;
      const cols = real(colsPtr, rowCount * width);
      const image = real(imagePtr, imageLength(g));
      eachTap(g, rowStart, rowCount, (row, tap, at) => {
        if (at < 0) return;
        for (let c = 0; c < g.channels; c++) image[at + c] += cols[row * width + tap * g.channels + c];
      });
    },
  };
}
