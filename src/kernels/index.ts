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
import type { ThreadOptions } from "./threads/options.js";

export type { KernelName, Kernels, Ptr } from "./abi.js";
export {
  allocator,
  type Backend,
  countArray,
  heap,
  type InitOptions,
  type MemoryInfo,
  memory,
  relaxedSimd,
  resetPeakMemory,
  threads,
} from "./engine.js";
export type { ThreadOptions, WorkerFactory, WorkerLike } from "./threads/options.js";

/**
 * Chooses the backend and the number of threads, with all kernels. Optional: the first array starts the default one, a single thread. May be called
 * again while no array is alive; threads of the engine before are ended.
 *
 * With `threads` it is asynchronous, because workers are: the engine changes when the promise is fulfilled. Several threads need shared
 * memory: Node has it, a page must be cross-origin isolated. Results have the same bits with any number of threads. On a page's main thread,
 * which must not sleep, waiting for the other threads keeps the processor busy; train in a Web Worker if that matters.
 *
 * @returns the backend; a promise of it if `threads` is given
 * @throws ScopeError if arrays of the running backend are alive; ArgumentError on an unknown or unavailable backend or a bad number of
 * threads; ThreadError if threads are asked for by number where memory cannot be shared, or a worker does not start
 * @example
 * init({ backend: "reference" });
 * await init({ threads: "auto" });
 */
export function init(options: ThreadOptions): Promise<Backend>;
export function init(options?: InitOptions & { threads?: undefined }): Backend;
export function init(
  options: ThreadOptions | (InitOptions & { threads?: undefined }) = {},
): Backend | Promise<Backend> {
  provideKernels(ALL_KERNELS);
  return options.threads === undefined ? engineInit(options) : engineInit(options);
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
