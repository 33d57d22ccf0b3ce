/**
 * @file Per-channel sums over the rows of [rows, channels]; lanes are channels, accumulated in f64 and rounded once.
 * One channel runs along the row.
 */
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";
import { blockRows, columnSums, rowSum } from "../reduce/sums";

// @ts-ignore: decorator
@inline
function square(v: v128): v128 {
  return f64x2.mul(v, v);
}

/**
 * Squared distances from the mean of 16 channels, summed in blocks of rows (see reduce/sums.ts); divided and rounded,
 * or as 16 f64 if `raw`.
 */
function squares16(raw: bool, x: usize, rows: i32, bytes: usize, block: i32, mean: usize, out: usize): void {
  const m0 = v128.load(mean);
  const m1 = v128.load(mean, 16);
  const m2 = v128.load(mean, 32);
  const m3 = v128.load(mean, 48);
  let t0 = f64x2.splat(0);
  let t1 = f64x2.splat(0);
  let t2 = f64x2.splat(0);
  let t3 = f64x2.splat(0);
  let t4 = f64x2.splat(0);
  let t5 = f64x2.splat(0);
  let t6 = f64x2.splat(0);
  let t7 = f64x2.splat(0);
  for (let n = rows; n > 0; n -= block) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    let s4 = f64x2.splat(0);
    let s5 = f64x2.splat(0);
    let s6 = f64x2.splat(0);
    let s7 = f64x2.splat(0);
    for (let i = min(n, block); i > 0; i--) {
      const a = f32x4.sub(v128.load(x), m0);
      s0 = f64x2.add(s0, square(widenLow(a)));
      s1 = f64x2.add(s1, square(widenHigh(a)));
      const b = f32x4.sub(v128.load(x, 16), m1);
      s2 = f64x2.add(s2, square(widenLow(b)));
      s3 = f64x2.add(s3, square(widenHigh(b)));
      const c = f32x4.sub(v128.load(x, 32), m2);
      s4 = f64x2.add(s4, square(widenLow(c)));
      s5 = f64x2.add(s5, square(widenHigh(c)));
      const d = f32x4.sub(v128.load(x, 48), m3);
      s6 = f64x2.add(s6, square(widenLow(d)));
      s7 = f64x2.add(s7, square(widenHigh(d)));
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
    const count = f64x2.splat(<f64>rows);
    v128.store(out, narrow(f64x2.div(t0, count), f64x2.div(t1, count)));
    v128.store(out, narrow(f64x2.div(t2, count), f64x2.div(t3, count)), 16);
    v128.store(out, narrow(f64x2.div(t4, count), f64x2.div(t5, count)), 32);
    v128.store(out, narrow(f64x2.div(t6, count), f64x2.div(t7, count)), 48);
  }
}

/** The same of four channels, `columns` of which are stored; raw stores all four. */
function squares4(
  raw: bool,
  x: usize,
  rows: i32,
  bytes: usize,
  block: i32,
  mean: usize,
  out: usize,
  columns: i32,
): void {
  const m = v128.load(mean);
  let t0 = f64x2.splat(0);
  let t1 = f64x2.splat(0);
  for (let n = rows; n > 0; n -= block) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    for (let i = min(n, block); i > 0; i--) {
      const d = f32x4.sub(v128.load(x), m);
      s0 = f64x2.add(s0, square(widenLow(d)));
      s1 = f64x2.add(s1, square(widenHigh(d)));
      x += bytes;
    }
    t0 = f64x2.add(t0, s0);
    t1 = f64x2.add(t1, s1);
  }
  if (raw) {
    v128.store(out, t0);
    v128.store(out, t1, 16);
  } else {
    const count = f64x2.splat(<f64>rows);
    storeSome(out, narrow(f64x2.div(t0, count), f64x2.div(t1, count)), columns);
  }
}

/** Variance of one dense row of n elements about its mean. */
function rowVariance(x: usize, n: i32, mean: f32): f32 {
  const m = f32x4.splat(mean);
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const d = f32x4.sub(v128.load(x), m);
    s0 = f64x2.add(s0, square(widenLow(d)));
    s1 = f64x2.add(s1, square(widenHigh(d)));
    x += 16;
  }
  let sum = addLanes(f64x2.add(s0, s1));
  for (; i < n; i++) {
    const d = <f64>(load<f32>(x) - mean);
    sum += d * d;
    x += 4;
  }
  return <f32>(sum / <f64>n);
}

export function f32_channel_mean(xPtr: usize, rows: i32, channels: i32, meanPtr: usize, sumsPtr: usize): void {
  if (channels == 1) store<f32>(meanPtr, <f32>(rowSum(xPtr, rows) / <f64>rows));
  else columnSums(xPtr, meanPtr, rows, channels, <f64>rows, sumsPtr);
}

export function f32_channel_variance(
  xPtr: usize,
  rows: i32,
  channels: i32,
  meanPtr: usize,
  varPtr: usize,
  sumsPtr: usize,
): void {
  if (channels == 1) {
    store<f32>(varPtr, rowVariance(xPtr, rows, load<f32>(meanPtr)));
    return;
  }
  const bytes = <usize>channels << 2;
  const block = blockRows(channels);
  const raw = sumsPtr != 0;
  const to = raw ? sumsPtr : varPtr;
  const shift: usize = raw ? 3 : 2;
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    const at = <usize>c << 2;
    squares16(raw, xPtr + at, rows, bytes, block, meanPtr + at, to + (<usize>c << shift));
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    squares4(raw, xPtr + at, rows, bytes, block, meanPtr + at, to + (<usize>c << shift), channels - c);
  }
}
