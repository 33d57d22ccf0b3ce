/**
 * @file Helpers that every family uses: what relaxed SIMD does otherwise, partial stores, widening, periodic
 * patterns.
 */

/** c + a·b of f32 lanes: two roundings, or, in the relaxed variant, one where the machine has such an instruction. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return FUSES ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
}

/** Bytes of `table` at indices, all below 16: there relaxed SIMD's single instruction gives what plain SIMD's does. */
// @ts-ignore: decorator
@inline
export function lookUp(table: v128, indices: v128): v128 {
  return i8x16.relaxed_swizzle(table, indices);
}

/**
 * Sums of two products each of signed bytes and bytes below 128, in 16 bits. Another instruction stands for it where the
 * engine has no relaxed SIMD: asked for only where {@link hasDots}.
 */
// @ts-ignore: decorator
@inline
export function dotBytes(w: v128, x: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(w, x);
}

/**
 * Whether {@link dotBytes} is what it says for bytes of at most `top` < 128: 1·top + 1·top. What stands for it gives
 * something else, but for zeros, whose products it gives as well. (Not of constants: the compiler would do the sum.)
 */
// @ts-ignore: decorator
@inline
export function hasDots(top: i32): bool {
  return i16x8.extract_lane_s(dotBytes(i8x16.splat(1), i8x16.splat(<i8>top)), 0) == 2 * top;
}

/** Stores the first n of four 4-byte lanes, 1 ≤ n ≤ 4. */
// @ts-ignore: decorator
@inline
export function storeSome(ptr: usize, v: v128, n: i32): void {
  if (n >= 4) {
    v128.store(ptr, v);
  } else {
    v128.store_lane<f32>(ptr, v, 0);
    if (n > 1) v128.store_lane<f32>(ptr, v, 1, 4);
    if (n > 2) v128.store_lane<f32>(ptr, v, 2, 8);
  }
}

/** Stores the low n bytes of a word, 1 ≤ n ≤ 4. */
// @ts-ignore: decorator
@inline
export function storeBytes(ptr: usize, word: i32, n: i32): void {
  if (n >= 4) {
    store<i32>(ptr, word);
  } else {
    store<u8>(ptr, <u8>word);
    if (n > 1) store<u8>(ptr, <u8>(word >> 8), 1);
    if (n > 2) store<u8>(ptr, <u8>(word >> 16), 2);
  }
}

/** Low two f32 lanes as f64. */
// @ts-ignore: decorator
@inline
export function widenLow(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

/** High two f32 lanes as f64. */
// @ts-ignore: decorator
@inline
export function widenHigh(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
}

/** Four f64 rounded to f32. */
// @ts-ignore: decorator
@inline
export function narrow(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** Sum of both f64 lanes, low first. */
// @ts-ignore: decorator
@inline
export function addLanes(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** Sum of four i32 lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): i32 {
  const pairs = i32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

/** Four bytes as i32 lanes, unsigned. Reads 4 bytes. */
// @ts-ignore: decorator
@inline
export function loadU8x4(ptr: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(ptr)));
}

/** Four bytes as i32 lanes, signed. Reads 4 bytes. */
// @ts-ignore: decorator
@inline
export function loadI8x4(ptr: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(ptr)));
}

/** Four i32 lanes in 0…255 or −128…127 as the four bytes of a word. */
// @ts-ignore: decorator
@inline
export function packBytes(v: v128): i32 {
  return i32x4.extract_lane(v128.swizzle(v, i8x16(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12)), 0);
}

/** How many rows of `channels` make a multiple of four elements. */
// @ts-ignore: decorator
@inline
export function rowsPerPattern(channels: i32): i32 {
  return (channels & 3) == 0 ? 1 : (channels & 1) == 0 ? 2 : 4;
}

/** Lanes j … j+3 of the array of `channels` elements repeated endlessly. */
export function patternAt(ptr: usize, j: i32, channels: i32): v128 {
  if ((channels & 3) == 0) return v128.load(ptr + (<usize>(j % channels) << 2));
  return f32x4(
    load<f32>(ptr + (<usize>(j % channels) << 2)),
    load<f32>(ptr + (<usize>((j + 1) % channels) << 2)),
    load<f32>(ptr + (<usize>((j + 2) % channels) << 2)),
    load<f32>(ptr + (<usize>((j + 3) % channels) << 2)),
  );
}

/** Rows of `width` elements that fill about half of the first-level cache. */
// @ts-ignore: decorator
@inline
export function tileRows(width: i32): i32 {
  return max(1, 4096 / width);
}
