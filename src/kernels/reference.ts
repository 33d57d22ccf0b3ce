/** @file The reference kernels: the ABI in plain TypeScript, computing in f32 or f64. */
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import { codeKernels } from "./codes/reference.js";
import { makeContext } from "./context.js";
import { convKernels } from "./conv/reference.js";
import { convertKernels } from "./convert/reference.js";
import { elementwiseKernels } from "./elementwise/reference.js";
import { normKernels } from "./norm/reference.js";
import { optimKernels } from "./optim/reference.js";
import { poolKernels } from "./pool/reference.js";
import { productKernels } from "./products/reference.js";
import { reduceKernels } from "./reduce/reference.js";
import { staircaseKernels } from "./staircase/reference.js";
import { winogradKernels } from "./winograd/reference.js";

/**
 * The TypeScript twins of all kernels: specification of the WebAssembly ones, fallback where WebAssembly is forbidden,
 * and, in f64, the ground of gradient checks.
 *
 * @param heap where pointers point
 * @param real "f32": every step is rounded as in WebAssembly; "f64": reals are f64 and nothing is rounded further
 */
export function referenceKernels(heap: Heap, real: "f32" | "f64"): Kernels {
  const context = makeContext(heap, real);
  return {
    ...convertKernels(context),
    ...elementwiseKernels(context),
    ...reduceKernels(context),
    ...productKernels(context),
    ...convKernels(context),
    ...winogradKernels(context),
    ...poolKernels(context),
    ...normKernels(context),
    ...staircaseKernels(context),
    ...codeKernels(context),
    ...optimKernels(context),
  };
}
