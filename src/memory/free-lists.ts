/**
 * @file Free blocks by size, two levels of lists (the TLSF of Masmano, Ripoll, Crespo and Real, ECRTS 2004): octaves,
 * and 32 lists in each, with a bit per list, so that a block is entered, taken out and looked up in a few operations
 * however many there are. Imports nothing.
 */

/** A stretch of the heap, in use or free; sizes and places count units of one cache line. */
export class Block {
  /** First unit. */
  start: number;
  units: number;
  free = false;
  /** Neighbours in the heap. */
  before: Block | null;
  after: Block | null = null;
  /** Neighbours in its list while it is free. */
  previous: Block | null = null;
  next: Block | null = null;

  constructor(start: number, units: number, before: Block | null) {
    this.start = start;
    this.units = units;
    this.before = before;
  }
}

/** log2 of the number of lists in an octave. */
const SPLIT = 5;
const LISTS = 2 ** SPLIT;
/** Units of the largest block: the whole of a 32-bit heap. */
export const MOST_UNITS = 2 ** 26;
/** Octaves of blocks up to that. The first one holds all blocks under 32 units. */
const OCTAVES = 31 - Math.clz32(MOST_UNITS) - SPLIT + 2;
/** Blocks of the wanted size's own list that are looked at before a larger one is cut. */
const NEAR = 8;

/** The list of blocks of so many units: one size each below 64, from there on sizes within 1/32 of each other. */
function listOf(units: number): number {
  if (units < LISTS) return units;
  const shift = 31 - Math.clz32(units) - SPLIT;
  return shift * LISTS + (units >> shift);
}

/**
 * The free blocks of a heap. The last one that came is the first to go: its memory is the likeliest to be in a cache.
 */
export class FreeLists {
  readonly #heads: (Block | null)[] = new Array<Block | null>(OCTAVES * LISTS).fill(null);
  /** Bit i: octave i has a block. */
  #octaves = 0;
  /** Bit j of number i: list j of octave i has a block. */
  readonly #lists = new Int32Array(OCTAVES);
  #units = 0;

  /** Units in all of them. */
  get units(): number {
    return this.#units;
  }

  insert(block: Block): void {
    const list = listOf(block.units);
    const head = this.#heads[list];
    block.free = true;
    block.previous = null;
    block.next = head;
    if (head !== null) head.previous = block;
    else {
      this.#lists[list >> SPLIT] |= 1 << (list & (LISTS - 1));
      this.#octaves |= 1 << (list >> SPLIT);
    }
    this.#heads[list] = block;
    this.#units += block.units;
  }

  remove(block: Block): void {
    const { previous, next } = block;
    block.free = false;
    this.#units -= block.units;
    if (next !== null) next.previous = previous;
    if (previous !== null) {
      previous.next = next;
      return;
    }
    const list = listOf(block.units);
    this.#heads[list] = next;
    if (next !== null) return;
    const octave = list >> SPLIT;
    this.#lists[octave] &= ~(1 << (list & (LISTS - 1)));
    if (this.#lists[octave] === 0) this.#octaves &= ~(1 << octave);
  }

  /** A block of at least so many units, the smallest or nearly; null only if there is none. It stays in its list. */
  find(units: number): Block | null {
    const list = listOf(units);
    return this.#among(list, units, NEAR) ?? this.#above(list) ?? this.#among(list, units, Number.POSITIVE_INFINITY);
  }

  /** Units of the largest free block. */
  largest(): number {
    if (this.#octaves === 0) return 0;
    const octave = 31 - Math.clz32(this.#octaves);
    let most = 0;
    let block = this.#heads[octave * LISTS + 31 - Math.clz32(this.#lists[octave])];
    for (; block !== null; block = block.next) most = Math.max(most, block.units);
    return most;
  }

  /** The smallest that fits among the first `most` blocks of a list. */
  #among(list: number, units: number, most: number): Block | null {
    let best: Block | null = null;
    let block = this.#heads[list];
    for (let i = 0; block !== null && i < most; i++, block = block.next) {
      if (block.units === units) return block;
      if (block.units > units && (best === null || block.units < best.units)) best = block;
    }
    return best;
  }

  /** The first block of the next list above that has one: every block there is larger than all of this list. */
  #above(list: number): Block | null {
    let octave = list >> SPLIT;
    // A shift by 32 would be a shift by 0: hence two.
    let lists = this.#lists[octave] & ((-1 << (list & (LISTS - 1))) << 1);
    if (lists === 0) {
      const octaves = this.#octaves & ((-1 << octave) << 1);
      if (octaves === 0) return null;
      octave = lowestBit(octaves);
      lists = this.#lists[octave];
    }
    return this.#heads[octave * LISTS + lowestBit(lists)];
  }
}

/** Place of the lowest bit that is set. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
