/** @file Allocator over a heap: blocks of whole cache lines, free neighbours merged at once; live and peak counts. */
import { MemoryError } from "../core/errors.js";
import { BlockTable } from "./block-table.js";
import { Block, FreeLists, MOST_UNITS } from "./free-lists.js";
import type { Heap } from "./heap.js";
import { observers } from "./observer.js";

/** Blocks start at multiples of this, one cache line. */
export const ALIGNMENT = 64;
/**
 * Kernels may read this many bytes past an array: there lies the next block, or what the heap keeps beyond the last.
 */
export const OVER_READ = 16;
/** Bytes behind the last block that the heap always spans. */
const GUARD = Math.ceil(OVER_READ / ALIGNMENT) * ALIGNMENT;

/** Bytes of the block that serves a request: whole cache lines, at least one. */
export function blockBytes(bytes: number): number {
  return unitsFor(bytes) * ALIGNMENT;
}

function unitsFor(bytes: number): number {
  return bytes <= ALIGNMENT ? 1 : Math.ceil(bytes / ALIGNMENT);
}

/** Bytes in words: exactly, and in the unit that people think in. */
function amount(bytes: number): string {
  if (bytes < 2 ** 20) return `${bytes} bytes`;
  return `${bytes} bytes (${bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`})`;
}

/**
 * Hands out blocks of a heap. A request takes the best free block and leaves the rest of it free; a block that comes
 * back is merged with free neighbours, and the last ones of the heap go back to it. So the heap grows only when no free
 * stretch is long enough. Which addresses are given depends on the requests alone. Address 0 is never given.
 */
export class Allocator {
  readonly heap: Heap;
  readonly #base: number;
  /** Unit behind the last block. */
  #top: number;
  #last: Block | null = null;
  /** Blocks in use, by first unit. */
  readonly #live = new BlockTable();
  readonly #free = new FreeLists();
  /** Units that the heap is known to span behind the last block's guard; it never shrinks. */
  #spanned = 0;
  #liveUnits = 0;
  #peakUnits = 0;
  /** Arrays that are alive: counted by those who make them, said where memory is full. */
  arrays = 0;

  constructor(heap: Heap, base: number = ALIGNMENT) {
    this.heap = heap;
    this.#base = unitsFor(base);
    this.#top = this.#base;
  }

  /** Bytes in blocks that are in use. */
  get liveBytes(): number {
    return this.#liveUnits * ALIGNMENT;
  }
  /** Largest {@link liveBytes} so far, or since {@link resetPeak}. */
  get peakBytes(): number {
    return this.#peakUnits * ALIGNMENT;
  }
  /** Bytes from the heap's begin to the end of its last block, in use or free between others. */
  get reservedBytes(): number {
    return this.#top * ALIGNMENT;
  }
  resetPeak(): void {
    this.#peakUnits = this.#liveUnits;
  }

  /** Address of a block for `bytes`, 64-byte aligned, contents undefined. @throws MemoryError, with nothing changed */
  allocate(bytes: number): number {
    const units = unitsFor(bytes);
    let block = units > MOST_UNITS ? null : this.#free.find(units);
    if (block === null) block = this.#append(bytes, units);
    else {
      this.#free.remove(block);
      if (block.units > units) this.#cut(block, units);
    }
    this.#live.add(block);
    this.#liveUnits += units;
    if (this.#liveUnits > this.#peakUnits) this.#peakUnits = this.#liveUnits;
    return block.start * ALIGNMENT;
  }

  /**
   * Takes back a block that {@link allocate} gave for the same number of bytes.
   *
   * @throws Error if it did not, or if the block has come back before: an internal error of the library
   */
  free(ptr: number, bytes: number): void {
    const start = ptr / ALIGNMENT;
    let block = this.#live.get(start);
    if (block === null || block.units !== unitsFor(bytes)) {
      const what = block === null ? "no block in use" : `a block of ${block.units * ALIGNMENT} bytes`;
      throw new Error(`internal: memory: ${bytes} bytes freed at ${ptr}, where there is ${what}`);
    }
    this.#live.delete(block);
    this.#liveUnits -= block.units;
    const { before, after } = block;
    if (after?.free) {
      this.#free.remove(after);
      this.#join(block, after);
    }
    if (before?.free) {
      this.#free.remove(before);
      this.#join(before, block);
      block = before;
    }
    if (block.after !== null) this.#free.insert(block);
    else {
      this.#top = block.start;
      this.#last = block.before;
      if (this.#last !== null) this.#last.after = null;
    }
  }

  /** A new block behind the last. */
  #append(bytes: number, units: number): Block {
    const top = this.#top + units;
    if (top > this.#spanned) {
      try {
        this.heap.ensure(top * ALIGNMENT + GUARD);
      } catch (cause) {
        if (cause instanceof MemoryError) this.#refuse(bytes);
        throw cause;
      }
      this.#spanned = Math.floor((this.heap.byteLength - GUARD) / ALIGNMENT);
    }
    const block = new Block(this.#top, units, this.#last);
    if (this.#last !== null) this.#last.after = block;
    this.#last = block;
    this.#top = top;
    return block;
  }

  /** Says what was asked for, what lives and what is free. */
  #refuse(bytes: number): never {
    const { byteLength, maximumBytes } = this.heap;
    // Where addresses would do, it is the machine that has no more memory to give.
    const full = (this.#top + unitsFor(bytes)) * ALIGNMENT + GUARD > maximumBytes;
    const end = full ? maximumBytes : byteLength;
    const behind = Math.max(0, end - GUARD - this.reservedBytes);
    throw new MemoryError({
      op: "memory",
      what: `no room for ${amount(bytes)}${full ? "" : ": the heap cannot grow"}`,
      expected: "at least as much free in one piece",
      got: `${amount(Math.max(this.#free.largest() * ALIGNMENT, behind))}`,
      hint:
        `of ${amount(end)}, ${amount(this.liveBytes)} are alive in ${this.#live.size} blocks and ` +
        `${amount(this.#free.units * ALIGNMENT + behind)} free; use smaller batches${this.arrays === 0 ? "" : this.#ofArrays()}`,
    });
  }

  #ofArrays(): string {
    return (
      `, or free some of the ${this.arrays} live arrays: scope(() => …) around each step of a loop frees what the step made, ` +
      `dispose() frees one${observers.map((observer) => observer.advice()).join("")}`
    );
  }

  /** Leaves `units` to a block and frees the rest, behind which a block in use lies. */
  #cut(block: Block, units: number): void {
    const rest = new Block(block.start + units, block.units - units, block);
    rest.after = block.after;
    if (rest.after !== null) rest.after.before = rest;
    block.after = rest;
    block.units = units;
    this.#free.insert(rest);
  }

  /** Makes one block of two neighbours. */
  #join(left: Block, right: Block): void {
    left.units += right.units;
    left.after = right.after;
    if (left.after !== null) left.after.before = left;
    else this.#last = left;
  }
}
