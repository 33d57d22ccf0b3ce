/** @file The kernels room: the ABI, its two implementations, and the engine that holds them. */

import type { DType } from "../core/dtype.js";
import type { Kernels } from "./abi.js";
import { ALL_KERNELS } from "./all.js";
import {
  type Backend,
  backend as engineBackend,
  init as engineInit,
  kernelsFor as engineKernelsFor,
  type InitOptions,
  provideKernels,
} from "./engine.js";

export type { KernelName, Kernels, Ptr } from "./abi.js";
export {
  allocator,
  type Backend,
  countArray,
  heap,
  type InitOptions,
  type MemoryInfo,
  memory,
  resetPeakMemory,
} from "./engine.js";

/**
 * Chooses the backend, with all kernels. Optional: the first array starts the default one. May be called again while no array is alive.
 *
 * @throws ScopeError if arrays of the running backend are alive; ArgumentError on an unknown or unavailable backend
 * @example
 * init({ backend: "reference" });
 */
export function init(options: InitOptions = {}): Backend {
  provideKernels(ALL_KERNELS);
  return engineInit(options);
}

/** The backend that f32 arrays run on; starts the default one if none is running. */
export function backend(): Backend {
  provideKernels(ALL_KERNELS);
  return engineBackend();
}

/** The kernels that compute in `dtype`, all of them; starts the default engine if none is running. */
export function kernelsFor(dtype: DType): Kernels {
  provideKernels(ALL_KERNELS);
  return engineKernelsFor(dtype);
}
