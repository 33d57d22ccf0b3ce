/**
 * @file Memory of a session: constants once, and one block for the values and workspaces of a batch, laid out by
 * lifetime.
 */
import { allocator, countArray } from "../kernels/engine.js";
import { ALIGNMENT } from "../memory/allocator.js";
import { Storage } from "../memory/storage.js";

/** A heap block that counts as a live array until it is disposed of. */
export class Block {
  readonly #storage: Storage;
  /** Bytes that were asked for. */
  readonly bytes: number;
  constructor(bytes: number) {
    this.bytes = bytes;
    this.#storage = new Storage(allocator(), bytes);
    countArray(1);
  }
  /** @throws DisposedError after dispose */
  get ptr(): number {
    return this.#storage.ptr;
  }
  dispose(): void {
    if (!this.#storage.alive) return;
    this.#storage.release();
    countArray(-1);
  }
}

/** Bytes up to the next cache line, or to another multiple. */
export function aligned(bytes: number, alignment: number = ALIGNMENT): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** A value's size and the steps between which it must stay. */
export interface Lifetime {
  readonly bytes: number;
  /** Step that writes it; −1 for the input. */
  readonly from: number;
  /** Last step that reads it. */
  readonly to: number;
}

/** Offsets of values in one block. */
export interface Layout {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/**
 * Places values so that those alive at the same time do not overlap: each, in the order of writing, at the lowest gap
 * that holds it.
 *
 * @param values in order of `from`
 * @param alignment of offsets, in bytes
 */
export function layOut(values: readonly Lifetime[], alignment: number = ALIGNMENT): Layout {
  const offsets: number[] = [];
  let live: { at: number; end: number; to: number }[] = [];
  let bytes = 0;
  for (const value of values) {
    live = live.filter((other) => other.to >= value.from).sort((a, b) => a.at - b.at);
    const size = aligned(value.bytes, alignment);
    let at = 0;
    for (const other of live) {
      if (other.at - at >= size) break;
      at = Math.max(at, other.end);
    }
    live.push({ at, end: at + size, to: value.to });
    offsets.push(at);
    bytes = Math.max(bytes, at + size);
  }
  return { offsets, bytes };
}
