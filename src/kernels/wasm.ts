/** @file WebAssembly: what the engine can do, bytes from text, and an instance of a kernel module over a heap. */
import { MemoryError } from "../core/errors.js";
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";

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

interface HexReader {
  fromHex?(hex: string): Uint8Array<ArrayBuffer>;
  Buffer?: { from(hex: string, encoding: "hex"): Uint8Array<ArrayBuffer> };
}

/**
 * Bytes written as pairs of hexadecimal digits. By the engine's own means where it has some: the loop runs once and cold, and takes
 * 10 ms for the kernels.
 *
 * @returns a new array, the caller's
 */
export function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  const { fromHex } = Uint8Array as HexReader;
  if (fromHex !== undefined) return fromHex.call(Uint8Array, hex);
  const { Buffer } = globalThis as HexReader;
  // Node hands a large one memory of its own, not a piece of its pool.
  if (Buffer !== undefined) return Buffer.from(hex, "hex");
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/**
 * The WebAssembly kernels over a heap.
 *
 * @param heap one made with `wasm: true`; growth later is seen by the kernels
 * @param module a compiled kernel module
 * @throws MemoryError if the heap is not a WebAssembly.Memory
 */
export function instantiateKernels(heap: Heap, module: WebAssembly.Module): Kernels {
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
