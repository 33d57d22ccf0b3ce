/**
 * @file Weights of the byte convolution: four numbers of eight filters at a time as bytes, and the same as pairs of
 * 16-bit numbers.
 */
import { QUAD, QUAD_FILTERS, QUAD_HEADER } from "../../src/kernels/conv/sizes";
import { largestMagnitude } from "../products/integer-dot";

/** Bytes of a quad: four numbers of eight filters. */
export const QUAD_BYTES: i32 = QUAD * QUAD_FILTERS;
/** Bytes of a quad as two pairs. */
export const PAIRS_BYTES: i32 = 2 * QUAD_BYTES;

export function i8_quad_pack(weightsPtr: usize, outPtr: usize, filters: i32, runs: i32, run: i32): void {
  const row = <usize>(runs * run);
  let to = outPtr + QUAD_HEADER;
  for (let n = 0; n < filters; n += QUAD_FILTERS) {
    let from = weightsPtr + <usize>n * row;
    const rows = min(QUAD_FILTERS, filters - n);
    for (let r = 0; r < runs; r++) {
      for (let k = 0; k < run; k += QUAD) {
        for (let f = 0; f < QUAD_FILTERS; f++) {
          const w = from + <usize>f * row + <usize>k;
          // Bytes past the end of a run are the next one's.
          let word = f < rows ? load<i32>(w) : 0;
          if (k + QUAD > run) word &= (1 << ((run - k) << 3)) - 1;
          store<i32>(to, word);
          to += QUAD;
        }
      }
      from += <usize>run;
    }
  }
  v128.store(outPtr, i32x4(largestMagnitude(outPtr + QUAD_HEADER, to), 0, 0, 0));
}

/** `quads` quads at `from` as pairs. */
export function pairsOfQuads(from: usize, quads: i32, to: usize): void {
  do {
    const first = v128.load(from);
    const last = v128.load(from, 16);
    const even = v128.shuffle<i16>(first, last, 0, 2, 4, 6, 8, 10, 12, 14);
    const odd = v128.shuffle<i16>(first, last, 1, 3, 5, 7, 9, 11, 13, 15);
    v128.store(to, i16x8.extend_low_i8x16_s(even));
    v128.store(to, i16x8.extend_high_i8x16_s(even), 16);
    v128.store(to, i16x8.extend_low_i8x16_s(odd), 32);
    v128.store(to, i16x8.extend_high_i8x16_s(odd), 48);
    from += QUAD_BYTES;
    to += PAIRS_BYTES;
  } while (--quads);
}
