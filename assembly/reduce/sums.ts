/**
 * @file Sums over the middle axis of [outer, n, inner], and over whole arrays, accumulated in f64.
 *
 * Where inner > 1 lanes are columns, so every column is summed over n in order. Where inner = 1 eight interleaved
 * partial sums run along the row and are added in a fixed order at its end. Columns at the edge read up to 12 bytes
 * past the array.
 *
 * Long sums are sums of blocks (`blockRows` rows, `SUM_BLOCK` elements), added in order: threads take a block at a time
 * and give the same bits.
 */
import { SUM_BLOCK, SUM_LEAST_ROWS } from "../../src/kernels/reduce/sizes";
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";

const enum Op {
  Sum,
  Squares,
  Abs,
}

// @ts-ignore: decorator
@inline
function term(op: Op, v: v128): v128 {
  if (op == Op.Squares) return f64x2.mul(v, v);
  if (op == Op.Abs) return f64x2.abs(v);
  return v;
}

/** Sum in f64 of f(x) over `len` consecutive elements. */
// @ts-ignore: decorator
@inline
function total(op: Op, x: usize, len: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  let n = len;
  while (n >= 8) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    s0 = f64x2.add(s0, term(op, widenLow(a)));
    s1 = f64x2.add(s1, term(op, widenHigh(a)));
    s2 = f64x2.add(s2, term(op, widenLow(b)));
    s3 = f64x2.add(s3, term(op, widenHigh(b)));
    x += 32;
    n -= 8;
  }
  while (n > 0) {
    // One lane at a time: the other lane adds +0, which changes nothing.
    s0 = f64x2.add(s0, term(op, widenLow(v128.load32_zero(x))));
    x += 4;
    n--;
  }
  return addLanes(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)));
}

/** Rows of one block of a sum over rows. */
// @ts-ignore: decorator
@inline
export function blockRows(columns: i32): i32 {
  return max(SUM_LEAST_ROWS, SUM_BLOCK / max(1, columns));
}

// @ts-ignore: decorator
@inline
function totalOfBlocks(op: Op, x: usize, len: i32): f64 {
  let sum: f64 = 0;
  for (let n = len; n > 0; n -= SUM_BLOCK) {
    sum += total(op, x, min(n, SUM_BLOCK));
    x += SUM_BLOCK << 2;
  }
  return sum;
}

/** Sum of one row; a leaf of its own, so that it is optimized early. */
export function rowSum(x: usize, len: i32): f64 {
  return total(Op.Sum, x, len);
}

/** Sums of 16 columns, in blocks of rows; divided and rounded, or as 16 f64 if `raw`. */
function columns16(raw: bool, x: usize, out: usize, n: i32, bytes: usize, block: i32, divisor: v128): void {
  let t0 = f64x2.splat(0);
  let t1 = f64x2.splat(0);
  let t2 = f64x2.splat(0);
  let t3 = f64x2.splat(0);
  let t4 = f64x2.splat(0);
  let t5 = f64x2.splat(0);
  let t6 = f64x2.splat(0);
  let t7 = f64x2.splat(0);
  for (; n > 0; n -= block) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    let s4 = f64x2.splat(0);
    let s5 = f64x2.splat(0);
    let s6 = f64x2.splat(0);
    let s7 = f64x2.splat(0);
    for (let i = min(n, block); i > 0; i--) {
      const a = v128.load(x);
      s0 = f64x2.add(s0, widenLow(a));
      s1 = f64x2.add(s1, widenHigh(a));
      const b = v128.load(x, 16);
      s2 = f64x2.add(s2, widenLow(b));
      s3 = f64x2.add(s3, widenHigh(b));
      const c = v128.load(x, 32);
      s4 = f64x2.add(s4, widenLow(c));
      s5 = f64x2.add(s5, widenHigh(c));
      const d = v128.load(x, 48);
      s6 = f64x2.add(s6, widenLow(d));
      s7 = f64x2.add(s7, widenHigh(d));
      x += bytes;
    }
    t0 = f64x2.add(t0, s0);
    t1 = f64x2.add(t1, s1);
    t2 = f64x2.add(t2, s2);
    t3 = f64x2.add(t3, s3);
    t4 = f64x2.add(t4, s4);
    t5 = f64x2.add(t5, s5);
    t6 = f64x2.add(t6, s6);
    t7 = f64x2.add(t7, s7);
  }
  if (raw) {
    v128.store(out, t0);
    v128.store(out, t1, 16);
    v128.store(out, t2, 32);
    v128.store(out, t3, 48);
    v128.store(out, t4, 64);
    v128.store(out, t5, 80);
    v128.store(out, t6, 96);
    v128.store(out, t7, 112);
  } else {
    v128.store(out, narrow(f64x2.div(t0, divisor), f64x2.div(t1, divisor)));
    v128.store(out, narrow(f64x2.div(t2, divisor), f64x2.div(t3, divisor)), 16);
    v128.store(out, narrow(f64x2.div(t4, divisor), f64x2.div(t5, divisor)), 32);
    v128.store(out, narrow(f64x2.div(t6, divisor), f64x2.div(t7, divisor)), 48);
  }
}

/** The same of four columns, `columns` of which are stored; raw stores all four. */
function columns4(raw: bool, x: usize, out: usize, n: i32, bytes: usize, block: i32, divisor: v128, columns: i32): void {
  let t0 = f64x2.splat(0);
  let t1 = f64x2.splat(0);
  for (; n > 0; n -= block) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    for (let i = min(n, block); i > 0; i--) {
      const a = v128.load(x);
      s0 = f64x2.add(s0, widenLow(a));
      s1 = f64x2.add(s1, widenHigh(a));
      x += bytes;
    }
    t0 = f64x2.add(t0, s0);
    t1 = f64x2.add(t1, s1);
  }
  if (raw) {
    v128.store(out, t0);
    v128.store(out, t1, 16);
  } else {
    storeSome(out, narrow(f64x2.div(t0, divisor), f64x2.div(t1, divisor)), columns);
  }
}

/**
 * Sums of the columns of x [n, inner] in f64: divided by `divisor` and rounded once, or, if `sums` is not 0, left
 * there, inner rounded up to a multiple of 4.
 */
export function columnSums(x: usize, out: usize, n: i32, inner: i32, divisor: f64, sums: usize): void {
  const bytes = <usize>inner << 2;
  const d = f64x2.splat(divisor);
  const block = blockRows(inner);
  const raw = sums != 0;
  const to = raw ? sums : out;
  const shift: usize = raw ? 3 : 2;
  let c = 0;
  for (; c + 16 <= inner; c += 16) columns16(raw, x + (<usize>c << 2), to + (<usize>c << shift), n, bytes, block, d);
  for (; c < inner; c += 4) columns4(raw, x + (<usize>c << 2), to + (<usize>c << shift), n, bytes, block, d, inner - c);
}

export function f32_sum(xPtr: usize, outPtr: usize, outer: i32, n: i32, inner: i32, sumsPtr: usize): void {
  for (let o = 0; o < outer; o++) {
    if (inner == 1) store<f32>(outPtr, <f32>rowSum(xPtr, n));
    else columnSums(xPtr, outPtr, n, inner, 1, sumsPtr);
    xPtr += (<usize>n * <usize>inner) << 2;
    outPtr += <usize>inner << 2;
  }
}

export function f32_sum_squares(xPtr: usize, len: i32): f64 {
  return totalOfBlocks(Op.Squares, xPtr, len);
}

export function f32_abs_sum(xPtr: usize, len: i32): f64 {
  return totalOfBlocks(Op.Abs, xPtr, len);
}
