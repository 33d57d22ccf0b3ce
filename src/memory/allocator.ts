/** @file Size-class allocator over a heap: 64-byte alignment, free lists per class, live and peak counts. */
import { MemoryError } from "../core/errors.js";
import type { Heap } from "./heap.js";

/** Blocks start at multiples of this, one cache line. */
export const ALIGNMENT = 64;
/** Kernels may read this many bytes past an array; every block has them to spare. */
export const OVER_READ = 16;

/**
 * Bytes of the block that serves a request: from 64 up, four classes per octave (64, 128, 192, 256, 320, 384, 448, 512, 640, …),
 * so at most a fifth is lost to rounding.
 */
export function sizeClass(bytes: number): number {
  const need = bytes + OVER_READ;
  if (need <= 4 * ALIGNMENT) return Math.ceil(need / ALIGNMENT) * ALIGNMENT;
  const octave = 2 ** (31 - Math.clz32(need - 1)); // largest power of two below or at need−1
  const step = octave / 4;
  return Math.ceil(need / step) * step;
}

/** Hands out blocks of a heap. Freed blocks are kept per size class and reused last in, first out. Address 0 is never given. */
export class Allocator {
  readonly heap: Heap;
  #top: number;
  readonly #free = new Map<number, number[]>();
  #liveBytes = 0;
  #peakBytes = 0;

  constructor(heap: Heap, base: number = ALIGNMENT) {
    this.heap = heap;
    this.#top = Math.ceil(base / ALIGNMENT) * ALIGNMENT;
  }

  /** Bytes in blocks that are in use. */
  get liveBytes(): number {
    return this.#liveBytes;
  }
  /** Largest {@link liveBytes} so far, or since {@link resetPeak}. */
  get peakBytes(): number {
    return this.#peakBytes;
  }
  /** Bytes taken from the heap, in use or kept for reuse. */
  get reservedBytes(): number {
    return this.#top;
  }
  resetPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }

  /** Address of a block for `bytes`, 64-byte aligned, contents undefined. @throws MemoryError */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    let ptr = this.#free.get(size)?.pop();
    if (ptr === undefined) {
      ptr = this.#top;
      if (ptr + size > 2 ** 32 - ALIGNMENT) {
        throw new MemoryError({
          op: "memory",
          what: "address space is full",
          expected: "less than 4 GiB",
          got: `${ptr + size} bytes`,
        });
      }
      this.heap.ensure(ptr + size); // may throw: the top moves only after it
      this.#top = ptr + size;
    }
    this.#liveBytes += size;
    if (this.#liveBytes > this.#peakBytes) this.#peakBytes = this.#liveBytes;
    return ptr;
  }

  /** Takes back a block that {@link allocate} gave for the same number of bytes. */
  free(ptr: number, bytes: number): void {
    const size = sizeClass(bytes);
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [ptr]);
    else list.push(ptr);
    this.#liveBytes -= size;
  }
}
