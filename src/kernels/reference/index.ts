/** @file The reference kernels: the ABI in plain TypeScript, computing in f32 or f64. */
import type { Heap } from "../../memory/heap.js";
import type { Kernels } from "../abi.js";
import { arithmeticKernels } from "./arithmetic.js";
import { binaryKernels } from "./binary.js";
import { byteConvKernels } from "./byte-conv.js";
import { channelKernels } from "./channel.js";
import { codeKernels } from "./codes.js";
import { makeContext } from "./context.js";
import { convKernels } from "./conv.js";
import { convertKernels } from "./convert.js";
import { elementwiseKernels } from "./elementwise.js";
import { gemmKernels } from "./gemm.js";
import { integerKernels } from "./integer.js";
import { lutKernels } from "./lut.js";
import { normActivationKernels } from "./norm-activation.js";
import { optimKernels } from "./optim.js";
import { planeKernels } from "./planes.js";
import { poolKernels } from "./pool.js";
import { reduceKernels } from "./reduce.js";
import { staircaseKernels } from "./staircase.js";
import { windowKernels } from "./window.js";
import { winogradKernels } from "./winograd.js";

/**
 * The TypeScript twins of all kernels: specification of the WebAssembly ones, fallback where WebAssembly is forbidden, and, in f64, the
 * ground of gradient checks.
 *
 * @param heap where pointers point
 * @param real "f32": every step is rounded as in WebAssembly; "f64": reals are f64 and nothing is rounded further
 */
export function referenceKernels(heap: Heap, real: "f32" | "f64"): Kernels {
  const context = makeContext(heap, real);
  return {
    ...convertKernels(context),
    ...elementwiseKernels(context),
    ...arithmeticKernels(context),
    ...binaryKernels(context),
    ...reduceKernels(context),
    ...gemmKernels(context),
    ...windowKernels(context),
    ...convKernels(context),
    ...winogradKernels(context),
    ...planeKernels(context),
    ...poolKernels(context),
    ...channelKernels(context),
    ...normActivationKernels(context),
    ...staircaseKernels(context),
    ...codeKernels(context),
    ...optimKernels(context),
    ...byteConvKernels(context),
    ...integerKernels(context),
    ...lutKernels(context),
  };
}
