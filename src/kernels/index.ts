/** @file The kernels room: the ABI, its two implementations, and the engine that holds them. */

import type { DType } from "../core/dtype.js";
import type { Kernels } from "./abi.js";
import { ALL_KERNELS } from "./all.js";
import {
  type Backend,
  backend as engineBackend,
  init as engineInit,
  kernelsFor as engineKernelsFor,
  threads as engineThreads,
  variant as engineVariant,
  provideKernels,
  type SyncOptions,
  type Variant,
} from "./engine.js";
import type { RelaxedOptions, ThreadOptions } from "./threads/options.js";

export type { KernelName, Kernels, Ptr } from "./abi.js";
export {
  allocator,
  type Backend,
  countArray,
  heap,
  type InitOptions,
  instrumentKernels,
  type MemoryInfo,
  memory,
  resetPeakMemory,
  type SyncOptions,
  type Variant,
} from "./engine.js";
export type { RelaxedOptions, ThreadOptions, WorkerFactory, WorkerLike } from "./threads/options.js";

/**
 * Chooses the backend, the number of threads and the variant, with all kernels. Optional: the first array starts the
 * default one, a single thread. May be called again while no array is alive; threads of the engine before are ended.
 *
 * With `threads` or `relaxed` it is asynchronous, because workers and further kernels are: the engine changes when the
 * promise is fulfilled. Several threads need shared memory: Node has it, a page must be cross-origin isolated. Results
 * have the same bits with any number of threads. On a page's main thread, which must not sleep, waiting for the other
 * threads keeps the processor busy; train in a Web Worker if that matters. With `relaxed` results no longer have the
 * same bits everywhere.
 *
 * @returns the backend; a promise of it if `threads` or `relaxed` is given
 * @throws ScopeError if arrays of the running backend are alive; ArgumentError on an unknown or unavailable backend, a
 * bad number of threads, or `relaxed: true` where the engine has no relaxed SIMD; ThreadError if threads are asked for
 * by number where memory cannot be shared, or a worker does not start
 * @example
 * init({ backend: "reference" });
 * await init({ threads: "auto" });
 * await init({ relaxed: "auto", threads: 2 });
 */
export function init(options: ThreadOptions | RelaxedOptions): Promise<Backend>;
export function init(options?: SyncOptions): Backend;
export function init(options: ThreadOptions | RelaxedOptions | SyncOptions = {}): Backend | Promise<Backend> {
  provideKernels(ALL_KERNELS);
  return engineInit(options as SyncOptions); // one of its forms: it looks for itself
}

/** The backend that f32 arrays run on; starts the default one if none is running. */
export function backend(): Backend {
  provideKernels(ALL_KERNELS);
  return engineBackend();
}

/** Threads that kernels run on, the calling one included; starts the default engine if none is running. */
export function threads(): number {
  provideKernels(ALL_KERNELS);
  return engineThreads();
}

/** The variant of the kernels that f32 arrays run on; starts the default one if none is running. */
export function variant(): Variant {
  provideKernels(ALL_KERNELS);
  return engineVariant();
}

/** The kernels that compute in `dtype`, all of them; starts the default engine if none is running. */
export function kernelsFor(dtype: DType): Kernels {
  provideKernels(ALL_KERNELS);
  return engineKernelsFor(dtype);
}
