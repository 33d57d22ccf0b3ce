/**
 * @file Where kernels come from: all of them, or those of the packed runtime. The engine is handed one, so that a page
 * ships no other.
 */
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";

/** A set of kernels in its two forms. */
export interface KernelSource {
  /** True if every line of the ABI is there; false for a part, which a complete set may replace while it runs. */
  readonly complete: boolean;
  /** The WebAssembly module's bytes. @returns a new array, the caller's */
  bytes(): Uint8Array<ArrayBuffer>;
  /**
   * The bytes of a module that gives the same bits and has relaxed dot products of bytes, which the one above leaves out
   * to be short; loaded when `init` has the time. @returns a new array, the caller's
   */
  dotsBytes?(): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes of its relaxed variant, loaded when it is asked for. @returns a new array, the caller's */
  relaxedBytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** The TypeScript twins over a heap, in f32 or f64. */
  reference(heap: Heap, real: "f32" | "f64"): Kernels;
  /** What runs them on several threads, loaded when it is asked for; absent: one thread alone. */
  threads?(): Promise<typeof import("./threads/start.js")>;
}
