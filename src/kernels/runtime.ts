/** @file The kernels of the packed runtime: what `coarsegrad/infer` ships. */
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import { makeContext } from "./context.js";
import { depthwiseKernels } from "./conv/depthwise.js";
import { lineKernels } from "./conv/lines.js";
import { windowKernels } from "./conv/window.js";
import { moveKernels } from "./convert/moves.js";
import { arithmeticKernels } from "./elementwise/arithmetic.js";
import { mapKernels } from "./norm/maps.js";
import { poolOutputs } from "./pool/outputs.js";
import { matrixKernels } from "./products/matrix.js";
import type { KernelSource } from "./source.js";
import { staircaseCodes } from "./staircase/codes.js";
import { bytesOfText } from "./wasm.js";
import { WASM_TEXT } from "./wasm-runtime.generated.js";

function reference(heap: Heap, real: "f32" | "f64"): Kernels {
  const context = makeContext(heap, real);
  // A part of the ABI, as assembly/runtime.ts; the runtime's tests call every one of them.
  return {
    ...moveKernels(context),
    ...arithmeticKernels(context),
    ...depthwiseKernels(context),
    ...matrixKernels(context),
    ...windowKernels(context),
    ...lineKernels(context),
    ...poolOutputs(context),
    ...mapKernels(context),
    ...staircaseCodes(context),
  } as Kernels;
}

/** The lines of the ABI that src/infer calls. */
export const RUNTIME_KERNELS: KernelSource = {
  complete: false,
  bytes: () => bytesOfText(WASM_TEXT),
  dotsBytes: async () => bytesOfText((await import("./wasm-dots-runtime.generated.js")).WASM_TEXT),
  relaxedBytes: async () => bytesOfText((await import("./wasm-relaxed-runtime.generated.js")).WASM_TEXT),
  reference,
};
