/**
 * @file u8 × i8 products by relaxed SIMD's dot instruction, which adds pairs of byte products in 16 bits. It is
 * exact where activations are below 128 (it takes them as 7-bit numbers) and no sum leaves 16 bits: sums are widened
 * after as many steps as their largest products allow.
 */
import { dotBytes, hasDots, sumLanes } from "../shared/lanes";

/** Largest magnitude of the signed bytes from `ptr` to `end`, a multiple of 16; 128 for −128. */
export function largestMagnitude(ptr: usize, end: usize): i32 {
  let most = i8x16.splat(0);
  // |−128| is the byte 128.
  for (; ptr < end; ptr += 16) most = i8x16.max_u(most, i8x16.abs(v128.load(ptr)));
  most = i8x16.max_u(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  most = i8x16.max_u(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  most = i8x16.max_u(most, v128.shuffle<i16>(most, most, 1, 0, 3, 2, 5, 4, 7, 6));
  const pair = i16x8.extract_lane_u(most, 0);
  return max(pair & 255, pair >> 8);
}

/**
 * Steps of one sum of two products each that stay in 16 bits, for weights and codes as large as those given; 0 if none
 * do, if there are too few for widening to pay, or if the engine does not have the instruction.
 */
export function dotSteps(most: i32, top: i32): i32 {
  if (top > 127 || !hasDots(top)) return 0;
  const steps = 32767 / max(1, 2 * top * most);
  return steps < 4 ? 0 : steps;
}

// @ts-ignore: decorator
@inline
function dot(sum: v128, x: v128, w: v128): v128 {
  return i16x8.add(sum, dotBytes(w, x));
}

// @ts-ignore: decorator
@inline
function widen(sum: v128, part: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(part));
}

/** C[rows, columns] of a tile, 4 or 1 by 2 or 1; `steps` steps of 16 codes go into one 16-bit sum. */
// @ts-ignore: decorator
@inline
function tile(rows: i32, columns: i32, a: usize, lda: usize, b: usize, ldb: usize, k: i32, steps: i32, c: usize, step: usize): void {
  let s00 = i32x4.splat(0);
  let s01 = i32x4.splat(0);
  let s10 = i32x4.splat(0);
  let s11 = i32x4.splat(0);
  let s20 = i32x4.splat(0);
  let s21 = i32x4.splat(0);
  let s30 = i32x4.splat(0);
  let s31 = i32x4.splat(0);
  let left = (k + 15) >> 4;
  while (left > 0) {
    let n = min(left, steps);
    left -= n;
    let p00 = i16x8.splat(0);
    let p01 = i16x8.splat(0);
    let p10 = i16x8.splat(0);
    let p11 = i16x8.splat(0);
    let p20 = i16x8.splat(0);
    let p21 = i16x8.splat(0);
    let p30 = i16x8.splat(0);
    let p31 = i16x8.splat(0);
    if (n > 0) {
      // The last row first and a check that never fails, as in gemm-tile.ts.
      do {
        const y0 = v128.load(b);
        const y1 = columns > 1 ? v128.load(b + ldb) : y0;
        if (rows > 1) {
          let x = v128.load(a + 3 * lda);
          p30 = dot(p30, x, y0);
          if (columns > 1) p31 = dot(p31, x, y1);
          x = v128.load(a + 2 * lda);
          p20 = dot(p20, x, y0);
          if (columns > 1) p21 = dot(p21, x, y1);
          x = v128.load(a + lda);
          p10 = dot(p10, x, y0);
          if (columns > 1) p11 = dot(p11, x, y1);
        }
        const x = v128.load(a);
        p00 = dot(p00, x, y0);
        if (columns > 1) p01 = dot(p01, x, y1);
        a += 16;
        b += 16;
      } while (--n);
    }
    s00 = widen(s00, p00);
    if (columns > 1) s01 = widen(s01, p01);
    if (rows > 1) {
      s10 = widen(s10, p10);
      s20 = widen(s20, p20);
      s30 = widen(s30, p30);
      if (columns > 1) {
        s11 = widen(s11, p11);
        s21 = widen(s21, p21);
        s31 = widen(s31, p31);
      }
    }
  }
  store<i32>(c, sumLanes(s00));
  if (columns > 1) store<i32>(c, sumLanes(s01), 4);
  if (rows > 1) {
    store<i32>(c + step, sumLanes(s10));
    store<i32>(c + 2 * step, sumLanes(s20));
    store<i32>(c + 3 * step, sumLanes(s30));
    if (columns > 1) {
      store<i32>(c + step, sumLanes(s11), 4);
      store<i32>(c + 2 * step, sumLanes(s21), 4);
      store<i32>(c + 3 * step, sumLanes(s31), 4);
    }
  }
}

// Leaves of their own, so that they are optimized early.
export function dot42(a: usize, lda: usize, b: usize, ldb: usize, k: i32, steps: i32, c: usize, step: usize): void {
  tile(4, 2, a, lda, b, ldb, k, steps, c, step);
}
export function dot41(a: usize, lda: usize, b: usize, ldb: usize, k: i32, steps: i32, c: usize, step: usize): void {
  tile(4, 1, a, lda, b, ldb, k, steps, c, step);
}
export function dot12(a: usize, lda: usize, b: usize, ldb: usize, k: i32, steps: i32, c: usize, step: usize): void {
  tile(1, 2, a, lda, b, ldb, k, steps, c, step);
}
export function dot11(a: usize, lda: usize, b: usize, ldb: usize, k: i32, steps: i32, c: usize, step: usize): void {
  tile(1, 1, a, lda, b, ldb, k, steps, c, step);
}
