/**
 * @file WebAssembly: what the engine can do, bytes from text, relaxed SIMD where it is exact, and an instance of a
 * kernel module over a heap.
 */
import { MemoryError } from "../core/errors.js";
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";

/** A module of one function, `() -> unreachable; i8x16.swizzle; drop`: valid only where SIMD is. */
const probe = () =>
  Uint8Array.of(
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version 1
    ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // type () -> ()
    ...[0x03, 0x02, 0x01, 0x00], // one function of that type
    ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x00, 0xfd, 0x8e, 0x00, 0x1a, 0x0b],
  );

/** Whether this engine has WebAssembly with 128-bit SIMD. (A policy may still forbid compiling.) */
export function wasmAvailable(): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(probe());
}

/** Whether this engine has WebAssembly's relaxed SIMD. */
export function relaxedAvailable(): boolean {
  return wasmAvailable() && WebAssembly.validate(relaxIntegers(probe()));
}

/**
 * Puts relaxed instructions where a kernel module has left room for them: scripts/build-wasm.mjs writes `i8x16.swizzle`
 * (fd 0e) and, on a way that is never gone, `v128.and` (fd 4e) as fd 8e 00 and fd ce 00, as long as
 * `i8x16.relaxed_swizzle` and `i16x8.relaxed_dot_i8x16_i7x16_s`. Where the kernels have them, their results are the
 * same on every machine: indices are below 16, and 7-bit operands are below 128.
 *
 * @param bytes of a module; changed in place
 */
export function relaxIntegers(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let i = 0; (i = bytes.indexOf(0xfd, i) + 1) > 0; ) {
    if (bytes[i + 1] === 0 && bytes[i] === 0x8e) bytes.set([0x80, 2], i);
    if (bytes[i + 1] === 0 && bytes[i] === 0xce) bytes.set([0x92, 2], i);
  }
  return bytes;
}

/** Printable ASCII but for what strings, templates and HTML read as something else. */
const NO_DIGITS = '"$&<>\\`';

/**
 * Bytes written as text: the 86 that code is mostly made of, 253 … 255 and 0 … 82, as one character each, the others as
 * two. A byte is always written alike, so that gzip finds what repeats: a tenth less to download than hexadecimal, and
 * as small as the module itself.
 *
 * @returns a new array, the caller's
 */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const digits = new Uint8Array(128);
  for (let code = 32, digit = 0; code < 127; code++) {
    if (!NO_DIGITS.includes(String.fromCharCode(code))) digits[code] = digit++;
  }
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = digits[text.charCodeAt(i)];
    bytes[length++] = (digit < 86 ? digit : 86 * (digit - 85) + digits[text.charCodeAt(++i)]) - 3;
  }
  return bytes.slice(0, length);
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
