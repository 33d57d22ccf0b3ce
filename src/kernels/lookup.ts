/** @file What the look-up products need. */
import { LOOKUP_FILTERS } from "./products/sizes.js";

/** Weights as bits: weight = Σ 2^p·bit p − offset over the planes of `mask`. */
export interface BitPlanes {
  readonly offset: number;
  /** Bit p is set if plane p is stored. */
  readonly mask: number;
  /** Planes that are stored. */
  readonly count: number;
}

/** Largest activation code that the look-up products take. */
export const LOOKUP_TOP = 15;
/**
 * Added to weight codes before they are split into bits: binary codes −1 and 1 become 0 and 2, ternary ones 0, 1, 2.
 */
export const LOOKUP_OFFSET = 1;

/**
 * How to store weights for a look-up product.
 *
 * @param bits the or of all (code + `LOOKUP_OFFSET`), low byte, as kernel `i8_bits` gives it
 * @returns null if some code is not in −1…2: more planes than two are no faster than `u8_i8_gemm`
 */
export function bitPlanes(bits: number): BitPlanes | null {
  if (bits > 3) return null;
  const mask = bits === 0 ? 2 : bits; // nothing but −1: a plane of zeros
  return { offset: LOOKUP_OFFSET, mask, count: mask === 3 ? 2 : 1 };
}

/** Bytes of `filters` rows of `patch` weights in `i8_lut_pack`'s form. */
export function packedBytes(filters: number, patch: number, { count }: BitPlanes): number {
  return Math.ceil(filters / LOOKUP_FILTERS) * count * Math.ceil(patch / 16) * 64;
}
