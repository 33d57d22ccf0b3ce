/**
 * @file The look-up product of rows of 4-bit codes: blocks of K, tables of four rows, then every block of 16 filters.
 */
import { loadTail, sumOf, writeTables } from "./lut-pack";
import { ADD, lutTiles, REAL } from "./lut-tile";

/** Codes of a block: the tables of four rows take half of the first-level cache. */
const KC: i32 = 1024;
/**
 * Bytes between tables of neighbouring rows: not a power of two, so that the four do not compete for the same cache
 * sets.
 */
const PITCH: usize = 4 * 1024 + 64;
/** Workspace: tables, then four sums, four zeros, the sink, and a tile of 4×16. */
const BASES: usize = 4 * PITCH;
const SINK: usize = BASES + 32;
const EDGE: usize = SINK + 32;
const WORK: i32 = 4 * (4 * 1024 + 64) + 64 + 256;

export function u4_lut_gemm_work(): i32 {
  return WORK;
}

/** Tables of K ≤ 1024 codes. @returns their sum */
function tablesOfRow(a: usize, to: usize, K: i32): i32 {
  let sums = i16x8.splat(0);
  for (let left = K; left > 0; left -= 16) {
    const x = loadTail(a, left);
    writeTables(x, to);
    sums = i16x8.add(sums, i16x8.extadd_pairwise_i8x16_u(x));
    a += 16;
    to += 64;
  }
  return sumOf(sums);
}

/**
 * Copies a tile between C and the workspace: `columns` lines of `width` words; lines of the tile are 64 bytes apart.
 */
export function copyTile(from: usize, fromStep: usize, to: usize, toStep: usize, columns: i32, width: i32): void {
  for (let i = 0; i < columns; i++) {
    for (let j: usize = 0; j < <usize>width << 2; j += 4) store<i32>(to + j, load<i32>(from + j));
    from += fromStep;
    to += toStep;
  }
}

export function u4_lut_gemm(
  aPtr: usize,
  weightsPtr: usize,
  cPtr: usize,
  M: i32,
  N: i32,
  K: i32,
  lda: i32,
  offset: i32,
  planes: i32,
  real: i32,
  workPtr: usize,
): void {
  const step = <usize>N << 2;
  const bytes = (<usize>(K + 15) >> 4) << 6; // of one plane of one block of filters
  const bases = workPtr + BASES;
  const zeros = bases + 16;
  const edge = workPtr + EDGE;
  v128.store(zeros, i32x4.splat(0));
  for (let k = 0; k < K; k += KC) {
    const depth = min(KC, K - k);
    const steps = (depth + 15) >> 4;
    const begin = weightsPtr + (<usize>k << 2);
    const earlier = k > 0 ? ADD : 0;
    const final = real && k + KC >= K ? REAL : 0;
    for (let m = 0; m < M; m += 4) {
      const columns = min(4, M - m);
      const a = aPtr + <usize>m * <usize>lda + <usize>k;
      for (let j = 0; j < columns; j++) {
        const sum = tablesOfRow(a + <usize>j * <usize>lda, workPtr + <usize>j * PITCH, depth);
        store<i32>(bases + (<usize>j << 2), -offset * sum);
      }
      let w = begin;
      for (let n = 0; n < N; n += 16) {
        const c = cPtr + <usize>m * step + (<usize>n << 2);
        const whole = columns == 4 && n + 16 <= N;
        const to = whole ? c : edge;
        const toStep = whole ? step : 64;
        if (!whole && earlier) copyTile(c, step, edge, 64, columns, min(16, N - n));
        let mode = earlier;
        let base = bases;
        for (let left = planes; left != 0; ) {
          const plane = ctz(left);
          left &= left - 1;
          if (left == 0) mode |= final;
          lutTiles(workPtr, PITCH, 2 * PITCH, steps, 1, 0, w, to, toStep, plane, base, 0, mode, 1, workPtr + SINK);
          w += bytes;
          mode |= ADD;
          base = zeros;
        }
        if (!whole) copyTile(edge, 64, c, step, columns, min(16, N - n));
      }
    }
  }
}
