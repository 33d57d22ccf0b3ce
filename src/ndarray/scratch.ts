/** @file Short-lived heap blocks for one call: workspaces, extents and geometry that kernels read. */
import type { Ptr } from "../kernels/abi.js";
import { ALL_KERNELS } from "../kernels/all.js";
import { allocator, heap, provideKernels } from "../kernels/engine.js";

/** Runs `fn` with the address of a block of `bytes` (contents undefined), freed afterwards. */
export function withScratch<T>(bytes: number, fn: (ptr: Ptr) => T): T {
  provideKernels(ALL_KERNELS);
  const blocks = allocator();
  const ptr = blocks.allocate(bytes);
  try {
    return fn(ptr);
  } finally {
    blocks.free(ptr, bytes);
  }
}

/** Runs `fn` with the address of a copy of `values` as i32. */
export function withInts<T>(values: ArrayLike<number>, fn: (ptr: Ptr) => T): T {
  return withScratch(4 * values.length, (ptr) => {
    heap().i32(ptr, values.length).set(values);
    return fn(ptr);
  });
}
