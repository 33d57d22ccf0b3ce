/** @file Arguments of kernels in a heap of their own: arrays between guard bytes, inputs that must stay as they are. */
import { dtypeOf, type TypedArray, viewOf } from "../../src/core/dtype.js";
import { Heap } from "../../src/memory/heap.js";

const ARENA = 1024;
const GUARD = 64;
// All bits set is NaN, −1 and 255: reading it by mistake shows in a result, writing over it shows in the guard.
const GUARD_BYTE = 0xff;

export const heap = new Heap({ wasm: true, initialBytes: 1 << 22, maximumBytes: 1 << 28 });

/**
 * An array argument. `in` must come back unchanged; `out` is poisoned first; `inout` starts as `data`; `scratch` is
 * poisoned and not compared. `offset`: the element pointed at.
 */
export interface Buffer {
  readonly role: "in" | "out" | "inout" | "scratch";
  readonly data: TypedArray;
  readonly offset: number;
}
export const input = (data: TypedArray, offset = 0): Buffer => ({ role: "in", data, offset });
export const output = (data: TypedArray): Buffer => ({ role: "out", data, offset: 0 });
export const scratch = (data: TypedArray): Buffer => ({ role: "scratch", data, offset: 0 });
export const inout = (data: TypedArray, offset = 0): Buffer => ({ role: "inout", data, offset });
/** The array of an earlier argument again, for kernels that work in place. */
export const same = (argument: number) => ({ same: argument });

export type Argument = number | Buffer | { readonly same: number };

export interface Outcome {
  readonly returned: unknown;
  /** What `out` and `inout` arguments hold afterwards, in order. */
  readonly outputs: TypedArray[];
}

function place(args: readonly Argument[]): { pointers: number[]; starts: number[]; end: number } {
  let top = ARENA;
  const pointers: number[] = [];
  const starts: number[] = [];
  for (const arg of args) {
    if (typeof arg === "number") {
      pointers.push(arg);
      starts.push(0);
    } else if ("same" in arg) {
      pointers.push(pointers[arg.same]);
      starts.push(0);
    } else {
      top += GUARD;
      starts.push(top);
      pointers.push(top + arg.offset * arg.data.BYTES_PER_ELEMENT);
      top = Math.ceil((top + arg.data.byteLength + GUARD) / 64) * 64;
    }
  }
  return { pointers, starts, end: top };
}

/**
 * Puts the arguments into the heap, guarded, and runs.
 *
 * @param run is given the arguments, and an address from which on the heap is free
 * @throws Error if a guard byte or an input changed
 */
export function guarded(
  name: string,
  args: readonly Argument[],
  run: (values: number[], free: number) => unknown,
): Outcome {
  const { pointers, starts, end } = place(args);
  heap.ensure(end);
  heap.u8(ARENA, end - ARENA).fill(GUARD_BYTE);
  args.forEach((arg, i) => {
    if (typeof arg === "number" || "same" in arg) return;
    const view = viewOf(heap.buffer, dtypeOf(arg.data), starts[i], arg.data.length);
    if (arg.role === "out" || arg.role === "scratch") heap.u8(starts[i], arg.data.byteLength).fill(0x5a);
    else view.set(arg.data);
  });
  const returned = run(pointers, end);
  const outputs: TypedArray[] = [];
  let clean = ARENA;
  const expectGuard = (from: number, to: number): void => {
    const bytes = heap.u8(from, to - from);
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== GUARD_BYTE) throw new Error(`${name}: wrote byte ${from + i - clean} past an array`);
    }
  };
  args.forEach((arg, i) => {
    if (typeof arg === "number" || "same" in arg) return;
    expectGuard(clean, starts[i]);
    clean = starts[i] + arg.data.byteLength;
    const view = viewOf(heap.buffer, dtypeOf(arg.data), starts[i], arg.data.length);
    if (arg.role === "in") expectSameBits(`${name}: input ${i}`, view, arg.data);
    else if (arg.role !== "scratch") outputs.push(view.slice());
  });
  expectGuard(clean, end);
  return { returned, outputs };
}

/** Every element is the same number: −0 is not +0, any NaN is NaN. */
export function expectSameBits(what: string, got: ArrayLike<number>, want: ArrayLike<number>): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} elements, expected ${want.length}`);
  for (let i = 0; i < want.length; i++) {
    if (!Object.is(got[i], want[i])) throw new Error(`${what}[${i}]: got ${got[i]}, expected ${want[i]}`);
  }
}
