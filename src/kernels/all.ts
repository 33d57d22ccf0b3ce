/** @file All kernels: what arrays and training run on. */
import { referenceKernels } from "./reference.js";
import type { KernelSource } from "./source.js";
import { WASM_TEXT } from "./wasm.generated.js";
import { bytesOfText } from "./wasm.js";

/** Every line of the ABI. */
export const ALL_KERNELS: KernelSource = {
  complete: true,
  bytes: () => bytesOfText(WASM_TEXT),
  relaxedBytes: async () => bytesOfText((await import("./wasm-relaxed.generated.js")).WASM_TEXT),
  reference: referenceKernels,
  threads: () => import("./threads/start.js"),
};
