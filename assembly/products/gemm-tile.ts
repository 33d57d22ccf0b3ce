/**
 * @file Micro-kernels of the real matrix product: 1 to 5 rows by 8 columns of C in registers.
 *
 * A: rows of `rows` elements every `aStep` bytes, B: rows of 8 every `bStep`; packed panels [k][rows] and [k][8], or
 * the operands themselves where they lie so already. One k per turn and no unrolling: 10 sums + 2 columns + 1 splat + 1
 * product just fit the 15 registers. Every sum runs over k in order, so a row's bits do not depend on its tile.
 */
import { madd } from "../shared/lanes";

// @ts-ignore: decorator
@inline
function put(wide: bool, c: usize, low: v128, high: v128, add: bool): void {
  if (add) {
    low = f32x4.add(v128.load(c), low);
    if (wide) high = f32x4.add(v128.load(c, 16), high);
  }
  v128.store(c, low);
  if (wide) v128.store(c, high, 16);
}

/**
 * C[rows, 8] = (C +) A·B over k ≥ 1, or, not `wide`, [rows, 4]; `step` is the bytes between rows of C. `rows` and
 * `wide` are constants at every call.
 *
 * The order of the text matters to Node 20's compiler, which places every operation of a block by the order of its
 * sums' variables and keeps loads in the text's: with the last row first, each element of A is loaded just before its
 * two uses; with the first row first, all five before any use, and two sums live in memory. It also needs k's check,
 * though k is never 0: sums that can reach the end without the loop are not used there directly, which would undo the
 * placing. Together 1.25 times as fast, and 1.45 times with fused multiply-add.
 */
// @ts-ignore: decorator
@inline
function tile(rows: i32, wide: bool, a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize, step: usize, add: bool): void {
  let l0 = f32x4.splat(0);
  let h0 = f32x4.splat(0);
  let l1 = f32x4.splat(0);
  let h1 = f32x4.splat(0);
  let l2 = f32x4.splat(0);
  let h2 = f32x4.splat(0);
  let l3 = f32x4.splat(0);
  let h3 = f32x4.splat(0);
  let l4 = f32x4.splat(0);
  let h4 = f32x4.splat(0);
  if (k > 0) {
    do {
      const low = v128.load(b);
      const high = wide ? v128.load(b, 16) : low;
      if (rows > 4) {
        const x = v128.load32_splat(a, 16);
        l4 = madd(x, low, l4);
        if (wide) h4 = madd(x, high, h4);
      }
      if (rows > 3) {
        const x = v128.load32_splat(a, 12);
        l3 = madd(x, low, l3);
        if (wide) h3 = madd(x, high, h3);
      }
      if (rows > 2) {
        const x = v128.load32_splat(a, 8);
        l2 = madd(x, low, l2);
        if (wide) h2 = madd(x, high, h2);
      }
      if (rows > 1) {
        const x = v128.load32_splat(a, 4);
        l1 = madd(x, low, l1);
        if (wide) h1 = madd(x, high, h1);
      }
      const x = v128.load32_splat(a);
      l0 = madd(x, low, l0);
      if (wide) h0 = madd(x, high, h0);
      a += aStep;
      b += bStep;
    } while (--k);
  }
  put(wide, c, l0, h0, add);
  if (rows > 1) put(wide, c + step, l1, h1, add);
  if (rows > 2) put(wide, c + 2 * step, l2, h2, add);
  if (rows > 3) put(wide, c + 3 * step, l3, h3, add);
  if (rows > 4) put(wide, c + 4 * step, l4, h4, add);
}

function tile1(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize, step: usize, add: bool): void {
  tile(1, true, a, aStep, b, bStep, k, c, step, add);
}
function tile2(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize, step: usize, add: bool): void {
  tile(2, true, a, aStep, b, bStep, k, c, step, add);
}
function tile3(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize, step: usize, add: bool): void {
  tile(3, true, a, aStep, b, bStep, k, c, step, add);
}
function tile4(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize, step: usize, add: bool): void {
  tile(4, true, a, aStep, b, bStep, k, c, step, add);
}
function tile5(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize, step: usize, add: bool): void {
  tile(5, true, a, aStep, b, bStep, k, c, step, add);
}

function narrow1(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize): void {
  tile(1, false, a, aStep, b, bStep, k, c, 32, false);
}
function narrow2(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize): void {
  tile(2, false, a, aStep, b, bStep, k, c, 32, false);
}
function narrow3(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize): void {
  tile(3, false, a, aStep, b, bStep, k, c, 32, false);
}
function narrow4(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize): void {
  tile(4, false, a, aStep, b, bStep, k, c, 32, false);
}
function narrow5(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize): void {
  tile(5, false, a, aStep, b, bStep, k, c, 32, false);
}

/**
 * Rows of the next panel when `left` rows are left: fives, but no lone single or pair at the end where threes and fours
 * will do.
 */
// @ts-ignore: decorator
@inline
export function panelRows(left: i32): i32 {
  return left >= 8 ? (left == 8 ? 4 : 5) : left == 7 ? 4 : left == 6 ? 3 : left;
}

/** One tile of 1…5 rows and 8 columns of operands in place. */
// @ts-ignore: decorator
@inline
export function runStrided(
  rows: i32,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  k: i32,
  c: usize,
  step: usize,
  add: bool,
): void {
  if (rows == 5) tile5(a, aStep, b, bStep, k, c, step, add);
  else if (rows == 4) tile4(a, aStep, b, bStep, k, c, step, add);
  else if (rows == 3) tile3(a, aStep, b, bStep, k, c, step, add);
  else if (rows == 2) tile2(a, aStep, b, bStep, k, c, step, add);
  else tile1(a, aStep, b, bStep, k, c, step, add);
}

/** One tile of 1…5 rows and 8 columns of packed panels. */
// @ts-ignore: decorator
@inline
export function runTile(rows: i32, a: usize, b: usize, k: i32, c: usize, step: usize, add: bool): void {
  runStrided(rows, a, <usize>(rows << 2), b, 32, k, c, step, add);
}

/** The tile of the last 1…7 columns, into `edge`, 32 bytes a row: half as wide where that is enough. */
// @ts-ignore: decorator
@inline
export function runEdge(rows: i32, a: usize, aStep: usize, b: usize, bStep: usize, k: i32, edge: usize, columns: i32): void {
  if (columns > 4) runStrided(rows, a, aStep, b, bStep, k, edge, 32, false);
  else if (rows == 5) narrow5(a, aStep, b, bStep, k, edge);
  else if (rows == 4) narrow4(a, aStep, b, bStep, k, edge);
  else if (rows == 3) narrow3(a, aStep, b, bStep, k, edge);
  else if (rows == 2) narrow2(a, aStep, b, bStep, k, edge);
  else narrow1(a, aStep, b, bStep, k, edge);
}
