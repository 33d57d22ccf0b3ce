/**
 * @file Extremes and their places over the middle axis of [outer, n, inner], and over whole arrays. Lanes are columns
 * where inner > 1.
 */
import { storeSome } from "../shared/lanes";

const enum Op {
  Max,
  Min,
}

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
