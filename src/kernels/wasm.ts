/** @file The WebAssembly kernels: bytes, compilation, and an instance over a heap. */
import { MemoryError } from "../core/errors.js";
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import { WASM_BASE64 } from "./wasm.generated.js";

/** A module of one function, `() -> v128.const 0; drop`: valid only where SIMD is. */
const SIMD_PROBE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version 1
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // type () -> ()
  ...[0x03, 0x02, 0x01, 0x00], // one function of that type
  ...[0x0a, 0x17, 0x01, 0x15, 0x00, 0xfd, 0x0c, ...new Array<number>(16).fill(0), 0x1a, 0x0b],
);

/** Whether this engine has WebAssembly with 128-bit SIMD. (A policy may still forbid compiling.) */
export function wasmAvailable(): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(SIMD_PROBE);
}

/** The kernel module's bytes, for those who cache or stream it. @returns a new array, the caller's */
export function wasmBytes(): Uint8Array<ArrayBuffer> {
  return bytesOfBase64(WASM_BASE64);
}

/** What base64 text stands for. @returns a new array, the caller's */
export function bytesOfBase64(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Compiles the inlined module, synchronously. @throws WebAssembly.CompileError where a content policy forbids it */
export function compileKernels(): WebAssembly.Module {
  return new WebAssembly.Module(wasmBytes());
}

/**
 * The WebAssembly kernels over a heap.
 *
 * @param heap one made with `wasm: true`; growth later is seen by the kernels
 * @param module a compiled kernel module; the inlined one is compiled if it is left out
 * @throws MemoryError if the heap is not a WebAssembly.Memory
 */
export function instantiateKernels(heap: Heap, module: WebAssembly.Module = compileKernels()): Kernels {
  if (heap.memory === null) {
    throw new MemoryError({
      op: "kernels",
      what: "this heap is not WebAssembly memory",
      expected: "new Heap({ wasm: true })",
      got: "an ArrayBuffer",
    });
  }
  // The module has the ABI's names and signatures; test/kernels proves it kernel by kernel.
  return new WebAssembly.Instance(module, { env: { memory: heap.memory } }).exports as unknown as Kernels;
}
