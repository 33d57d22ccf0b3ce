/** @file When the byte convolution applies, and what it needs: one rule for training and for the packed runtime. */
import { PAIR, PAIR_FILTERS } from "./conv/sizes.js";

/** Bytes of weights [filters, runs·run] in `i8_pair_pack`'s form. */
export function pairBytes(filters: number, runs: number, run: number): number {
  return Math.ceil(filters / PAIR_FILTERS) * runs * Math.ceil(run / PAIR) * PAIR_FILTERS * PAIR * 2;
}

/** True if `u8_i8_conv` takes windows of this kind over all channels of an image, and its tiles of 4 columns are at least ¾ full. */
export function byteWindow(dilationW: number, outW: number): boolean {
  return dilationW === 1 && 4 * outW >= 3 * (4 * Math.ceil(outW / 4));
}
