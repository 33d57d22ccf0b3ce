/** @file Constants of a model in the heap: unpacked once at load, in one block. */
import type { Ptr } from "../kernels/abi.js";
import { heap } from "../kernels/engine.js";
import { aligned, Block } from "./arena.js";

/** Address of a constant, known once all constants are placed. */
export type Constant = () => Ptr;

/** Gathers constants, then places them all at once. */
export class Constants {
  readonly #writers: { offset: number; write: (ptr: Ptr) => void }[] = [];
  #bytes = 0;
  #block: Block | null = null;

  /** Reserves `bytes`; `write` fills them when `place` is called. */
  add(bytes: number, write: (ptr: Ptr) => void): Constant {
    const offset = this.#bytes;
    this.#bytes += aligned(bytes);
    this.#writers.push({ offset, write });
    return () => this.ptr + offset;
  }
  /** Copies f32 values. */
  f32(values: Float32Array): Constant {
    return this.add(values.byteLength, (ptr) => heap().f32(ptr, values.length).set(values));
  }
  /** Copies i32 values. */
  i32(values: Int32Array): Constant {
    return this.add(values.byteLength, (ptr) => heap().i32(ptr, values.length).set(values));
  }
  /** Copies bytes. */
  u8(values: Uint8Array): Constant {
    return this.add(values.length, (ptr) => heap().u8(ptr, values.length).set(values));
  }
  /** Copies rows of i8, each padded with zeros to `stride`. */
  i8Rows(values: Int8Array, columns: number, stride: number): Constant {
    const rows = values.length / columns;
    return this.add(rows * stride, (ptr) => {
      const out = heap()
        .i8(ptr, rows * stride)
        .fill(0);
      for (let row = 0; row < rows; row++) out.set(values.subarray(row * columns, (row + 1) * columns), row * stride);
    });
  }

  /** Bytes of all constants. */
  get bytes(): number {
    return this.#bytes;
  }
  /** Takes the memory and writes everything. */
  place(): void {
    this.#block = new Block(Math.max(1, this.#bytes));
    for (const { offset, write } of this.#writers) write(this.#block.ptr + offset);
    this.#writers.length = 0;
  }
  /** Address of the block. @throws DisposedError after dispose */
  get ptr(): Ptr {
    return (this.#block as Block).ptr;
  }
  dispose(): void {
    this.#bytes = 0;
    this.#block?.dispose();
  }
}
