/** @file The reference kernels: the ABI in plain TypeScript, computing in f32 or f64. */
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import { codeKernels } from "./codes/reference.js";
import { makeContext } from "./context.js";
import { byteConvKernels } from "./conv/bytes.js";
import { convKernels } from "./conv/direct.js";
import { windowKernels } from "./conv/window.js";
import { convertKernels } from "./convert/reference.js";
import { arithmeticKernels } from "./elementwise/arithmetic.js";
import { binaryKernels } from "./elementwise/binary.js";
import { elementwiseKernels } from "./elementwise/reference.js";
import { normActivationKernels } from "./norm/activation.js";
import { channelKernels } from "./norm/channel.js";
import { optimKernels } from "./optim/reference.js";
import { poolKernels } from "./pool/reference.js";
import { integerKernels } from "./products/integer.js";
import { lutKernels } from "./products/lut.js";
import { gemmKernels } from "./products/reference.js";
import { reduceKernels } from "./reduce/reference.js";
import { staircaseKernels } from "./staircase/reference.js";
import { planeKernels } from "./winograd/planes.js";
import { winogradKernels } from "./winograd/reference.js";

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
