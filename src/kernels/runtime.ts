/** @file The kernels of the packed runtime: what `coarsegrad/infer` ships. */
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import { arithmeticKernels } from "./reference/arithmetic.js";
import { byteConvKernels } from "./reference/byte-conv.js";
import { channelKernels } from "./reference/channel.js";
import { makeContext } from "./reference/context.js";
import { convertKernels } from "./reference/convert.js";
import { gemmKernels } from "./reference/gemm.js";
import { integerKernels } from "./reference/integer.js";
import { lutKernels } from "./reference/lut.js";
import { poolKernels } from "./reference/pool.js";
import { staircaseKernels } from "./reference/staircase.js";
import { windowKernels } from "./reference/window.js";
import type { KernelSource } from "./source.js";
import { bytesOfText } from "./wasm.js";
import { WASM_TEXT } from "./wasm-runtime.generated.js";

function reference(heap: Heap, real: "f32" | "f64"): Kernels {
  const context = makeContext(heap, real);
  // A part of the ABI, as assembly/runtime.ts; the runtime's tests call every one of them.
  return {
    ...convertKernels(context),
    ...arithmeticKernels(context),
    ...gemmKernels(context),
    ...windowKernels(context),
    ...poolKernels(context),
    ...channelKernels(context),
    ...staircaseKernels(context),
    ...byteConvKernels(context),
    ...integerKernels(context),
    ...lutKernels(context),
  } as Kernels;
}

/** The lines of the ABI that src/infer calls. */
export const RUNTIME_KERNELS: KernelSource = {
  complete: false,
  bytes: () => bytesOfText(WASM_TEXT),
  relaxedBytes: async () => bytesOfText((await import("./wasm-relaxed-runtime.generated.js")).WASM_TEXT),
  reference,
};
