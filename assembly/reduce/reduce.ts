/**
 * @file Reductions over the middle axis of [outer, n, inner], and over whole arrays. Sums are accumulated in f64.
 *
 * Where inner > 1 lanes are columns, so every column is summed over n in order. Where inner = 1 eight (or sixteen) interleaved partial sums
 * run along the row and are added in a fixed order at its end. Columns at the edge read up to 12 bytes past the array.
 *
 * Long sums are sums of blocks (`blockRows` rows, `BLOCK` elements), added in order: so that threads, which take a block at a time, give the
 * same bits. The numbers are repeated in src/kernels/threads/rules.ts.
 */
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";

const enum Op {
  Max,
  Min,
  Sum,
  Squares,
  Abs,
}

// ---- sums ------------------------------------------------------------------------------------------------------

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

/** Elements of one block of a sum over a whole array. */
export const BLOCK: i32 = 65536;

/** Rows of one block of a sum over rows. */
// @ts-ignore: decorator
@inline
export function blockRows(columns: i32): i32 {
  return max(64, BLOCK / max(1, columns));
}

// @ts-ignore: decorator
@inline
function totalOfBlocks(op: Op, x: usize, len: i32): f64 {
  let sum: f64 = 0;
  for (let n = len; n > 0; n -= BLOCK) {
    sum += total(op, x, min(n, BLOCK));
    x += BLOCK << 2;
  }
  return sum;
}

/** Sum of one row; a leaf of its own, so that it is optimized early. */
export function rowSum(x: usize, len: i32): f64 {
  return total(Op.Sum, x, len);
}

/** Sums of 16 columns, in blocks of rows; divided and rounded, or as 16 f64 if `raw`. */
// @ts-ignore: decorator
@inline
function sum16(raw: bool, x: usize, out: usize, n: i32, bytes: usize, block: i32, divisor: v128): void {
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
// @ts-ignore: decorator
@inline
function sum4(raw: bool, x: usize, out: usize, n: i32, bytes: usize, block: i32, divisor: v128, columns: i32): void {
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

// Leaves of their own, so that they are optimized early.
function columns16(x: usize, out: usize, n: i32, bytes: usize, block: i32, divisor: v128): void {
  sum16(false, x, out, n, bytes, block, divisor);
}
function columns4(x: usize, out: usize, n: i32, bytes: usize, block: i32, divisor: v128, columns: i32): void {
  sum4(false, x, out, n, bytes, block, divisor, columns);
}
function raw16(x: usize, out: usize, n: i32, bytes: usize): void {
  sum16(true, x, out, n, bytes, n, f64x2.splat(1));
}
function raw4(x: usize, out: usize, n: i32, bytes: usize): void {
  sum4(true, x, out, n, bytes, n, f64x2.splat(1), 4);
}

/** Sums of the columns of x [n, inner], divided by `divisor`, in f64, rounded once. */
export function columnSums(x: usize, out: usize, n: i32, inner: i32, divisor: f64): void {
  const bytes = <usize>inner << 2;
  const d = f64x2.splat(divisor);
  const block = blockRows(inner);
  let c = 0;
  for (; c + 16 <= inner; c += 16) columns16(x + (<usize>c << 2), out + (<usize>c << 2), n, bytes, block, d);
  for (; c < inner; c += 4) columns4(x + (<usize>c << 2), out + (<usize>c << 2), n, bytes, block, d, inner - c);
}

/** One block's sums of the columns of x [n, inner], in f64: out has room for `inner` rounded up to a multiple of 4. */
export function f32_column_sums_part(xPtr: usize, outPtr: usize, n: i32, inner: i32): void {
  const bytes = <usize>inner << 2;
  let c = 0;
  for (; c + 16 <= inner; c += 16) raw16(xPtr + (<usize>c << 2), outPtr + (<usize>c << 3), n, bytes);
  for (; c < inner; c += 4) raw4(xPtr + (<usize>c << 2), outPtr + (<usize>c << 3), n, bytes);
}

export function f32_sum(xPtr: usize, outPtr: usize, outer: i32, n: i32, inner: i32): void {
  for (let o = 0; o < outer; o++) {
    if (inner == 1) store<f32>(outPtr, <f32>rowSum(xPtr, n));
    else columnSums(xPtr, outPtr, n, inner, 1);
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

// ---- extremes --------------------------------------------------------------------------------------------------

// f32x4.max and min, not pmax and pmin: a NaN in either operand must win.
// @ts-ignore: decorator
@inline
function extreme(op: Op, a: v128, b: v128): v128 {
  return op == Op.Max ? f32x4.max(a, b) : f32x4.min(a, b);
}

/** Largest or smallest of a row, in all four lanes. */
// @ts-ignore: decorator
@inline
function rowExtreme(op: Op, x: usize, len: i32): v128 {
  let m0 = f32x4.splat(op == Op.Max ? -Infinity : Infinity);
  let m1 = m0;
  let n = len;
  while (n >= 8) {
    m0 = extreme(op, m0, v128.load(x));
    m1 = extreme(op, m1, v128.load(x, 16));
    x += 32;
    n -= 8;
  }
  while (n > 0) {
    m0 = extreme(op, m0, v128.load32_splat(x));
    x += 4;
    n--;
  }
  m0 = extreme(op, m0, m1);
  m0 = extreme(op, m0, v128.shuffle<f32>(m0, m0, 2, 3, 0, 1));
  return extreme(op, m0, v128.shuffle<f32>(m0, m0, 1, 0, 3, 2));
}

/** Largest of a row, in all four lanes; −∞ if it is empty, NaN if it has one. */
export function rowMax(x: usize, len: i32): v128 {
  return rowExtreme(Op.Max, x, len);
}

// @ts-ignore: decorator
@inline
function extremes(op: Op, x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      v128.store_lane<f32>(out, rowExtreme(op, x, n), 0);
    } else {
      for (let c = 0; c < inner; c += 4) {
        const offset = <usize>c << 2;
        let at = x + offset;
        let m = f32x4.splat(op == Op.Max ? -Infinity : Infinity);
        for (let i = 0; i < n; i++) {
          m = extreme(op, m, v128.load(at));
          at += bytes;
        }
        storeSome(out + offset, m, inner - c);
      }
    }
    x += <usize>n * bytes;
    out += bytes;
  }
}

export function f32_max(xPtr: usize, outPtr: usize, outer: i32, n: i32, inner: i32): void {
  extremes(Op.Max, xPtr, outPtr, outer, n, inner);
}

export function f32_min(xPtr: usize, outPtr: usize, outer: i32, n: i32, inner: i32): void {
  extremes(Op.Min, xPtr, outPtr, outer, n, inner);
}

// @ts-ignore: decorator
@inline
function argExtreme(op: Op, x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < inner; c++) {
      let at = x + (<usize>c << 2);
      let found = 0;
      if (n > 0) {
        let best = load<f32>(at);
        for (let i = 1; i < n; i++) {
          at += bytes;
          const v = load<f32>(at);
          const beats = op == Op.Max ? v > best : v < best;
          if (beats || (v != v && best == best)) {
            best = v;
            found = i;
          }
        }
      }
      store<i32>(out, found);
      out += 4;
    }
    x += <usize>n * bytes;
  }
}

export function f32_argmax(xPtr: usize, outPtr: usize, outer: i32, n: i32, inner: i32): void {
  argExtreme(Op.Max, xPtr, outPtr, outer, n, inner);
}

export function f32_argmin(xPtr: usize, outPtr: usize, outer: i32, n: i32, inner: i32): void {
  argExtreme(Op.Min, xPtr, outPtr, outer, n, inner);
}

export function f32_abs_max(xPtr: usize, len: i32): f32 {
  // Bits of non-negative floats are ordered as integers, with every NaN above ∞: one instruction instead of six.
  const magnitude = i32x4.splat(0x7fffffff);
  let m0 = i32x4.splat(0);
  let m1 = i32x4.splat(0);
  let n = len;
  while (n >= 8) {
    m0 = i32x4.max_s(m0, v128.and(v128.load(xPtr), magnitude));
    m1 = i32x4.max_s(m1, v128.and(v128.load(xPtr, 16), magnitude));
    xPtr += 32;
    n -= 8;
  }
  while (n > 0) {
    m0 = i32x4.max_s(m0, v128.and(v128.load32_zero(xPtr), magnitude));
    xPtr += 4;
    n--;
  }
  m0 = i32x4.max_s(m0, m1);
  m0 = i32x4.max_s(m0, v128.shuffle<i32>(m0, m0, 2, 3, 0, 1));
  m0 = i32x4.max_s(m0, v128.shuffle<i32>(m0, m0, 1, 0, 3, 2));
  return f32x4.extract_lane(m0, 0);
}

export function f32_count_nonfinite(xPtr: usize, len: i32): f64 {
  const exponent = i32x4.splat(0x7f800000);
  let count = i32x4.splat(0);
  let n = len;
  while (n >= 4) {
    count = i32x4.sub(count, i32x4.eq(v128.and(v128.load(xPtr), exponent), exponent));
    xPtr += 16;
    n -= 4;
  }
  while (n > 0) {
    count = i32x4.sub(count, i32x4.eq(v128.and(v128.load32_zero(xPtr), exponent), exponent));
    xPtr += 4;
    n--;
  }
  return <f64>(
    (i32x4.extract_lane(count, 0) +
      i32x4.extract_lane(count, 1) +
      i32x4.extract_lane(count, 2) +
      i32x4.extract_lane(count, 3))
  );
}
