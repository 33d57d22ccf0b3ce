/** @file Products of u8 and i8 with exact i32 sums. */
import { dot11, dot12, dot41, dot42, dotSteps, largestMagnitude } from "./integer-dot";
import { u8_max } from "./lut-pack";
import { sumLanes } from "../shared/lanes";

/**
 * C[rows, columns] of a tile; 8 k per turn. A pair of products is at most 2·255·128 in absolute value: dot_i16x8 cannot
 * overflow.
 */
// @ts-ignore: decorator
@inline
function tile(rows: i32, columns: i32, a: usize, lda: usize, b: usize, ldb: usize, k: i32, c: usize, step: usize): void {
  let s00 = i32x4.splat(0);
  let s01 = i32x4.splat(0);
  let s10 = i32x4.splat(0);
  let s11 = i32x4.splat(0);
  let s20 = i32x4.splat(0);
  let s21 = i32x4.splat(0);
  let s30 = i32x4.splat(0);
  let s31 = i32x4.splat(0);
  const a1 = a + lda;
  const a2 = a1 + lda;
  const a3 = a2 + lda;
  const b1 = b + ldb;
  for (let at: usize = 0; at < <usize>k; at += 8) {
    const y0 = v128.load8x8_s(b + at);
    const y1 = columns > 1 ? v128.load8x8_s(b1 + at) : y0;
    let x = v128.load8x8_u(a + at);
    s00 = i32x4.add(s00, i32x4.dot_i16x8_s(x, y0));
    if (columns > 1) s01 = i32x4.add(s01, i32x4.dot_i16x8_s(x, y1));
    if (rows > 1) {
      x = v128.load8x8_u(a1 + at);
      s10 = i32x4.add(s10, i32x4.dot_i16x8_s(x, y0));
      if (columns > 1) s11 = i32x4.add(s11, i32x4.dot_i16x8_s(x, y1));
      x = v128.load8x8_u(a2 + at);
      s20 = i32x4.add(s20, i32x4.dot_i16x8_s(x, y0));
      if (columns > 1) s21 = i32x4.add(s21, i32x4.dot_i16x8_s(x, y1));
      x = v128.load8x8_u(a3 + at);
      s30 = i32x4.add(s30, i32x4.dot_i16x8_s(x, y0));
      if (columns > 1) s31 = i32x4.add(s31, i32x4.dot_i16x8_s(x, y1));
    }
  }
  store<i32>(c, sumLanes(s00));
  if (columns > 1) store<i32>(c, sumLanes(s01), 4);
  if (rows > 1) {
    store<i32>(c + step, sumLanes(s10));
    if (columns > 1) store<i32>(c + step, sumLanes(s11), 4);
    store<i32>(c + 2 * step, sumLanes(s20));
    if (columns > 1) store<i32>(c + 2 * step, sumLanes(s21), 4);
    store<i32>(c + 3 * step, sumLanes(s30));
    if (columns > 1) store<i32>(c + 3 * step, sumLanes(s31), 4);
  }
}

// Leaves of their own, so that they are optimized early.
function tile42(a: usize, lda: usize, b: usize, ldb: usize, k: i32, c: usize, step: usize): void {
  tile(4, 2, a, lda, b, ldb, k, c, step);
}
function tile41(a: usize, lda: usize, b: usize, ldb: usize, k: i32, c: usize, step: usize): void {
  tile(4, 1, a, lda, b, ldb, k, c, step);
}
function tile12(a: usize, lda: usize, b: usize, ldb: usize, k: i32, c: usize, step: usize): void {
  tile(1, 2, a, lda, b, ldb, k, c, step);
}
function tile11(a: usize, lda: usize, b: usize, ldb: usize, k: i32, c: usize, step: usize): void {
  tile(1, 1, a, lda, b, ldb, k, c, step);
}

/** All tiles; with `steps` > 0 by dot products of bytes, so many in a 16-bit sum. */
// @ts-ignore: decorator
@inline
function multiply(a: usize, b: usize, c: usize, M: i32, N: i32, K: i32, lda: usize, ldb: usize, steps: i32): void {
  const step = <usize>N << 2;
  for (let i = 0; i < M; ) {
    const rows = M - i >= 4 ? 4 : 1;
    const x = a + <usize>i * lda;
    const line = c + <usize>i * step;
    for (let j = 0; j < N; ) {
      const columns = N - j >= 2 ? 2 : 1;
      const y = b + <usize>j * ldb;
      const to = line + (<usize>j << 2);
      if (DOTS && steps > 0) {
        if (rows == 4) {
          if (columns == 2) dot42(x, lda, y, ldb, K, steps, to, step);
          else dot41(x, lda, y, ldb, K, steps, to, step);
        } else {
          if (columns == 2) dot12(x, lda, y, ldb, K, steps, to, step);
          else dot11(x, lda, y, ldb, K, steps, to, step);
        }
      } else if (rows == 4) {
        if (columns == 2) tile42(x, lda, y, ldb, K, to, step);
        else tile41(x, lda, y, ldb, K, to, step);
      } else {
        if (columns == 2) tile12(x, lda, y, ldb, K, to, step);
        else tile11(x, lda, y, ldb, K, to, step);
      }
      j += columns;
    }
    i += rows;
  }
}

export function u8_i8_gemm(aPtr: usize, bPtr: usize, cPtr: usize, M: i32, N: i32, K: i32, lda: i32, ldb: i32): void {
  // Looking at every code and weight costs little where each is used many times.
  const used = DOTS && M >= 4 && N >= 4;
  const steps = used ? dotSteps(largestMagnitude(bPtr, bPtr + <usize>(N * ldb)), u8_max(aPtr, M * lda)) : 0;
  multiply(aPtr, bPtr, cPtr, M, N, K, lda, ldb, steps);
}
