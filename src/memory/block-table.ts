/**
 * @file Blocks by address: a hash table with open addressing. A Map would do, but one out of which as much is deleted
 * as is set rebuilds itself all the time, which takes longer than the rest of an allocation.
 */
import type { Block } from "./free-lists.js";

/** Blocks by their first unit. */
export class BlockTable {
  #slots: (Block | null)[] = new Array<Block | null>(64).fill(null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The slot where a search for `start` begins: the product's high bits, in which all of its bits are mixed. */
  #home(start: number): number {
    return Math.imul(start, 0x9e3779b1) >>> (Math.clz32(this.#slots.length) + 1);
  }

  /** Enters a block; there must be none with its first unit. */
  add(block: Block): void {
    if (4 * this.#size >= this.#slots.length) this.#double();
    const mask = this.#slots.length - 1;
    let at = this.#home(block.start);
    while (this.#slots[at] !== null) at = (at + 1) & mask;
    this.#slots[at] = block;
    this.#size++;
  }

  /** The block whose first unit is `start`, if there is one. */
  get(start: number): Block | null {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = this.#home(start); ; at = (at + 1) & mask) {
      const block = slots[at];
      if (block === null || block.start === start) return block;
    }
  }

  /** Takes out a block that is there. */
  delete(block: Block): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#home(block.start);
    while (slots[hole] !== block) hole = (hole + 1) & mask;
    // Whatever behind the hole could not be reached across it moves into it, and leaves the next one.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const other = slots[at];
      if (other === null) break;
      if (((at - this.#home(other.start)) & mask) >= ((at - hole) & mask)) {
        slots[hole] = other;
        hole = at;
      }
    }
    slots[hole] = null;
    this.#size--;
  }

  #double(): void {
    const blocks = this.#slots;
    this.#slots = new Array<Block | null>(2 * blocks.length).fill(null);
    this.#size = 0;
    for (const block of blocks) if (block !== null) this.add(block);
  }
}
