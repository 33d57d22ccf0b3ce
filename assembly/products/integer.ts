/** @file Integer arithmetic of the packed runtime: u8 × i8 products with exact i32 sums, and thresholds. */
import { dot11, dot12, dot41, dot42, dotSteps } from "./integer-dot";
import { sumLanes } from "../shared/lanes";

/** C[rows, columns] of a tile; 8 k per turn. A pair of products is at most 2·255·128 in absolute value: dot_i16x8 cannot overflow. */
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

export function u8_i8_gemm(aPtr: usize, bPtr: usize, cPtr: usize, M: i32, N: i32, K: i32, lda: i32, ldb: i32): void {
  const stepA = <usize>lda;
  const stepB = <usize>ldb;
  const step = <usize>N << 2;
  // Looking at every code and weight costs little where each is used many times.
  const steps = ASC_FEATURE_RELAXED_SIMD && M >= 4 && N >= 4 ? dotSteps(aPtr, M, stepA, bPtr, N, stepB) : 0;
  for (let i = 0; i < M; ) {
    const rows = M - i >= 4 ? 4 : 1;
    const a = aPtr + <usize>i * stepA;
    const line = cPtr + <usize>i * step;
    for (let j = 0; j < N; ) {
      const columns = N - j >= 2 ? 2 : 1;
      const b = bPtr + <usize>j * stepB;
      const c = line + (<usize>j << 2);
      if (ASC_FEATURE_RELAXED_SIMD && steps > 0) {
        if (rows == 4) {
          if (columns == 2) dot42(a, stepA, b, stepB, K, steps, c, step);
          else dot41(a, stepA, b, stepB, K, steps, c, step);
        } else {
          if (columns == 2) dot12(a, stepA, b, stepB, K, steps, c, step);
          else dot11(a, stepA, b, stepB, K, steps, c, step);
        }
      } else if (rows == 4) {
        if (columns == 2) tile42(a, stepA, b, stepB, K, c, step);
        else tile41(a, stepA, b, stepB, K, c, step);
      } else {
        if (columns == 2) tile12(a, stepA, b, stepB, K, c, step);
        else tile11(a, stepA, b, stepB, K, c, step);
      }
      j += columns;
    }
    i += rows;
  }
}

/** Thresholds of one channel that four accumulators reach. */
// @ts-ignore: decorator
@inline
function countReached(acc: v128, thresholds: usize, top: i32, flip: bool): v128 {
  let reached = i32x4.splat(0);
  for (let t = 0; t < top; t++) {
    const threshold = v128.load32_splat(thresholds + (<usize>t << 2));
    // A true lane is −1.
    reached = i32x4.sub(reached, flip ? i32x4.le_s(acc, threshold) : i32x4.ge_s(acc, threshold));
  }
  return reached;
}

export function i32_threshold(
  accPtr: usize,
  codesPtr: usize,
  rows: i32,
  channels: i32,
  thresholdsPtr: usize,
  flipPtr: usize,
  top: i32,
): void {
  const step = <usize>channels << 2;
  for (let r = 0; r < rows; r += 4) {
    const count = min(4, rows - r);
    // Rows past the end repeat the last one and are not stored.
    const row1 = count > 1 ? step : 0;
    const row2 = count > 2 ? 2 * step : row1;
    const row3 = count > 3 ? 3 * step : row2;
    for (let c = 0; c < channels; c++) {
      const at = accPtr + (<usize>c << 2);
      const acc = i32x4(load<i32>(at), load<i32>(at + row1), load<i32>(at + row2), load<i32>(at + row3));
      const thresholds = thresholdsPtr + ((<usize>c * <usize>top) << 2);
      const reached = load<u8>(flipPtr + <usize>c)
        ? countReached(acc, thresholds, top, true)
        : countReached(acc, thresholds, top, false);
      const to = codesPtr + <usize>c;
      store<u8>(to, <u8>i32x4.extract_lane(reached, 0));
      if (count > 1) store<u8>(to + <usize>channels, <u8>i32x4.extract_lane(reached, 1));
      if (count > 2) store<u8>(to + 2 * <usize>channels, <u8>i32x4.extract_lane(reached, 2));
      if (count > 3) store<u8>(to + 3 * <usize>channels, <u8>i32x4.extract_lane(reached, 3));
    }
    accPtr += 4 * step;
    codesPtr += 4 * <usize>channels;
  }
}
