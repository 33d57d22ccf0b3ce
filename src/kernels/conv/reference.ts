/** @file Reference kernels: patches of windows and convolutions. */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { CONV } from "./abi.js";
import { adjointKernels } from "./adjoint.js";
import { depthwiseKernels } from "./depthwise.js";
import { depthwiseGradientKernels } from "./depthwise-gradients.js";
import { directKernels } from "./direct.js";
import { lineKernels } from "./lines.js";
import { windowKernels } from "./window.js";

/** Twins of the windows and convolutions. */
export function convKernels(context: Context): KernelsOf<typeof CONV> {
  return {
    ...windowKernels(context),
    ...adjointKernels(context),
    ...directKernels(context),
    ...lineKernels(context),
    ...depthwiseKernels(context),
    ...depthwiseGradientKernels(context),
  };
}
