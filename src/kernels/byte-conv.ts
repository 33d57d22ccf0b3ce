/** @file What the byte convolution needs. */

/** Filters of a block, and numbers of a pair, of `i8_pair_pack`. */
const BLOCK = 8;
const PAIR = 2;

/** Bytes of weights [filters, runs·run] in `i8_pair_pack`'s form. */
export function pairBytes(filters: number, runs: number, run: number): number {
  return Math.ceil(filters / BLOCK) * runs * Math.ceil(run / PAIR) * BLOCK * PAIR * 2;
}
