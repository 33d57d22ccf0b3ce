/** @file What the byte convolution needs. */
import { PAIR, PAIR_FILTERS } from "./conv/sizes.js";

/** Bytes of weights [filters, runs·run] in `i8_pair_pack`'s form. */
export function pairBytes(filters: number, runs: number, run: number): number {
  return Math.ceil(filters / PAIR_FILTERS) * runs * Math.ceil(run / PAIR) * PAIR_FILTERS * PAIR * 2;
}
