/** @file Kernels of two real arrays with suffix broadcasting: the shorter array repeats along the longer. */
import { packBytes, patternAt, rowsPerPattern, storeBytes, storeSome, tileRows } from "../shared/lanes";
import { powLanes } from "../shared/math";

const enum Op {
  Add,
  Sub,
  Mul,
  Div,
  Pow,
  Maximum,
  Minimum,
  Eq,
  Ne,
  Lt,
  Le,
  Gt,
  Ge,
}

// @ts-ignore: decorator
@inline
function apply(op: Op, a: v128, b: v128): v128 {
  if (op == Op.Add) return f32x4.add(a, b);
  if (op == Op.Sub) return f32x4.sub(a, b);
  if (op == Op.Mul) return f32x4.mul(a, b);
  if (op == Op.Div) return f32x4.div(a, b);
  if (op == Op.Pow) return powLanes(a, b);
  if (op == Op.Maximum) return f32x4.max(a, b);
  return f32x4.min(a, b); // Minimum
}

/** All bits where the comparison holds. */
// @ts-ignore: decorator
@inline
function compare(op: Op, a: v128, b: v128): v128 {
  if (op == Op.Eq) return f32x4.eq(a, b);
  if (op == Op.Ne) return f32x4.ne(a, b);
  if (op == Op.Lt) return f32x4.lt(a, b);
  if (op == Op.Le) return f32x4.le(a, b);
  if (op == Op.Gt) return f32x4.gt(a, b);
  return f32x4.ge(a, b); // Ge
}

// @ts-ignore: decorator
@inline
function dense(op: Op, a: usize, b: usize, out: usize, len: i32): void {
  let n = len;
  while (n >= 4) {
    v128.store(out, apply(op, v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
    out += 16;
    n -= 4;
  }
  if (n > 0) storeSome(out, apply(op, v128.load(a), v128.load(b)), n);
}

/** `long` is [len]; `short` of `period` elements repeats. `swapped`: the short array is the first operand. */
// @ts-ignore: decorator
@inline
function periodic(op: Op, long: usize, short: usize, out: usize, len: i32, period: i32, swapped: bool): void {
  if (len == 0) return;
  if (period >= 64) {
    // Straight through memory; the short array stays in the cache by itself.
    const step = <usize>period << 2;
    for (let i = 0; i < len; i += period) {
      if (swapped) dense(op, short, long, out, period);
      else dense(op, long, short, out, period);
      long += step;
      out += step;
    }
    return;
  }
  const width = period * rowsPerPattern(period); // a multiple of 4
  const rows = len / width;
  const bytes = <usize>width << 2;
  const tile = tileRows(width);
  for (let first = 0; first < rows; first += tile) {
    const count = min(tile, rows - first);
    for (let j = 0; j < width; j += 4) {
      const s = patternAt(short, j, period);
      let at = <usize>first * bytes + (<usize>j << 2);
      for (let r = 0; r < count; r++) {
        const l = v128.load(long + at);
        v128.store(out + at, swapped ? apply(op, s, l) : apply(op, l, s));
        at += bytes;
      }
    }
  }
  for (let i = rows * width; i < len; i += 4) {
    const at = <usize>i << 2;
    const s = patternAt(short, i - rows * width, period);
    const l = v128.load(long + at);
    storeSome(out + at, swapped ? apply(op, s, l) : apply(op, l, s), len - i);
  }
}

// @ts-ignore: decorator
@inline
function binary(op: Op, a: usize, b: usize, out: usize, len: i32, aLen: i32, bLen: i32): void {
  if (aLen == len && bLen == len) {
    dense(op, a, b, out, len);
  } else if (aLen == len) {
    periodic(op, a, b, out, len, bLen, false);
  } else if (bLen == len) {
    periodic(op, b, a, out, len, aLen, true);
  } else {
    for (let i = 0; i < len; i += 4) {
      storeSome(out + (<usize>i << 2), apply(op, patternAt(a, i % aLen, aLen), patternAt(b, i % bLen, bLen)), len - i);
    }
  }
}

/** Lanes i … i+3 of an array that repeats; a plain load if it is as long as the output, a splat if it is a scalar. */
// @ts-ignore: decorator
@inline
function lanesAt(ptr: usize, i: i32, len: i32, own: i32): v128 {
  if (own == len) return v128.load(ptr + (<usize>i << 2));
  if (own == 1) return v128.load32_splat(ptr);
  return patternAt(ptr, i % own, own);
}

// @ts-ignore: decorator
@inline
function comparison(op: Op, a: usize, b: usize, out: usize, len: i32, aLen: i32, bLen: i32): void {
  for (let i = 0; i < len; i += 4) {
    const mask = compare(op, lanesAt(a, i, len, aLen), lanesAt(b, i, len, bLen));
    storeBytes(out + <usize>i, packBytes(v128.and(mask, i32x4.splat(1))), len - i);
  }
}

export function f32_add(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  binary(Op.Add, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_sub(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  binary(Op.Sub, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_mul(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  binary(Op.Mul, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_div(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  binary(Op.Div, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_pow(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  binary(Op.Pow, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_maximum(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  binary(Op.Maximum, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_minimum(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  binary(Op.Minimum, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_eq(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  comparison(Op.Eq, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_ne(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  comparison(Op.Ne, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_lt(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  comparison(Op.Lt, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_le(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  comparison(Op.Le, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_gt(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  comparison(Op.Gt, aPtr, bPtr, outPtr, len, aLen, bLen);
}
export function f32_ge(aPtr: usize, bPtr: usize, outPtr: usize, len: i32, aLen: i32, bLen: i32): void {
  comparison(Op.Ge, aPtr, bPtr, outPtr, len, aLen, bLen);
}
