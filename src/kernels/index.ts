/** @file The kernels room: the ABI, its two implementations, and the engine that holds them. */
export type { KernelName, Kernels, Ptr } from "./abi.js";
export {
  allocator,
  type Backend,
  backend,
  countArray,
  heap,
  type InitOptions,
  init,
  kernelsFor,
  type MemoryInfo,
  memory,
  resetPeakMemory,
  threads,
} from "./engine.js";
export type { ThreadOptions, WorkerFactory, WorkerLike } from "./threads/options.js";
