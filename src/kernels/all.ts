/** @file All kernels: what arrays and training run on. */
import { referenceKernels } from "./reference/index.js";
import type { KernelSource } from "./source.js";
import { WASM_HEX } from "./wasm.generated.js";
import { bytesOfHex } from "./wasm.js";
import { WASM_HEX as RELAXED_HEX } from "./wasm-relaxed.generated.js";

/** Every line of the ABI. */
export const ALL_KERNELS: KernelSource = {
  complete: true,
  bytes: () => bytesOfHex(WASM_HEX),
  relaxed: () => bytesOfHex(RELAXED_HEX),
  reference: referenceKernels,
  threads: () => import("./threads/start.js"),
};
