/** @file Softmax, log-softmax and their derivatives over rows of [rows, n]. Row sums are accumulated in f64. */
import { addLanes, storeSome, widenHigh, widenLow } from "../shared/lanes";
import { expLanes, logOfSum } from "../shared/math";
import { rowMax } from "./extremes";
import { rowSum } from "./sums";

/** All bits in the first n lanes. */
// @ts-ignore: decorator
@inline
function firstLanes(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
}

/** Σ of four f32 lanes added to two f64 partial sums. */
// @ts-ignore: decorator
@inline
function addTo(sum: v128, v: v128): v128 {
  return f64x2.add(f64x2.add(sum, widenLow(v)), widenHigh(v));
}

export function f32_softmax(xPtr: usize, outPtr: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const top = rowMax(xPtr, n);
    let sum = f64x2.splat(0);
    for (let i = 0; i < n; i += 4) {
      const e = expLanes(f32x4.sub(v128.load(xPtr + (<usize>i << 2)), top));
      storeSome(outPtr + (<usize>i << 2), e, n - i);
      sum = addTo(sum, v128.and(e, firstLanes(n - i)));
    }
    const total = f32x4.splat(<f32>addLanes(sum));
    for (let i = 0; i < n; i += 4) {
      const at = outPtr + (<usize>i << 2);
      storeSome(at, f32x4.div(v128.load(at), total), n - i);
    }
    xPtr += bytes;
    outPtr += bytes;
  }
}

export function f32_log_softmax(xPtr: usize, outPtr: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const top = rowMax(xPtr, n);
    let sum = f64x2.splat(0);
    for (let i = 0; i < n; i += 4) {
      const e = expLanes(f32x4.sub(v128.load(xPtr + (<usize>i << 2)), top));
      sum = addTo(sum, v128.and(e, firstLanes(n - i)));
    }
    const logTotal = f32x4.splat(logOfSum(addLanes(sum)));
    for (let i = 0; i < n; i += 4) {
      const offset = <usize>i << 2;
      storeSome(outPtr + offset, f32x4.sub(f32x4.sub(v128.load(xPtr + offset), top), logTotal), n - i);
    }
    xPtr += bytes;
    outPtr += bytes;
  }
}

export function f32_softmax_bwd(yPtr: usize, dyPtr: usize, dxPtr: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    let sum = f64x2.splat(0);
    for (let i = 0; i < n; i += 4) {
      const inside = firstLanes(n - i);
      const y = v128.and(v128.load(yPtr + (<usize>i << 2)), inside);
      const dy = v128.and(v128.load(dyPtr + (<usize>i << 2)), inside);
      sum = f64x2.add(sum, f64x2.mul(widenLow(y), widenLow(dy)));
      sum = f64x2.add(sum, f64x2.mul(widenHigh(y), widenHigh(dy)));
    }
    const dot = f32x4.splat(<f32>addLanes(sum));
    for (let i = 0; i < n; i += 4) {
      const offset = <usize>i << 2;
      const dx = f32x4.mul(v128.load(yPtr + offset), f32x4.sub(v128.load(dyPtr + offset), dot));
      storeSome(dxPtr + offset, dx, n - i);
    }
    yPtr += bytes;
    dyPtr += bytes;
    dxPtr += bytes;
  }
}

export function f32_log_softmax_bwd(yPtr: usize, dyPtr: usize, dxPtr: usize, rows: i32, n: i32): void {
  const bytes = <usize>n << 2;
  for (let r = 0; r < rows; r++) {
    const total = f32x4.splat(<f32>rowSum(dyPtr, n));
    for (let i = 0; i < n; i += 4) {
      const offset = <usize>i << 2;
      const part = f32x4.mul(expLanes(v128.load(yPtr + offset)), total);
      storeSome(dxPtr + offset, f32x4.sub(v128.load(dyPtr + offset), part), n - i);
    }
    yPtr += bytes;
    dyPtr += bytes;
    dxPtr += bytes;
  }
}
