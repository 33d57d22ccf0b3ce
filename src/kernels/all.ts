/** @file All kernels: what arrays and training run on. */
import { referenceKernels } from "./reference/index.js";
import type { KernelSource } from "./source.js";
import { WASM_HEX } from "./wasm.generated.js";
import { bytesOfHex } from "./wasm.js";

/** Every line of the ABI. */
export const ALL_KERNELS: KernelSource = {
  complete: true,
  bytes: () => bytesOfHex(WASM_HEX),
  relaxedBytes: async () => bytesOfHex((await import("./wasm-relaxed.generated.js")).WASM_HEX),
  reference: referenceKernels,
  threads: () => import("./threads/start.js"),
};
