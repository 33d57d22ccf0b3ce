/** @file Per-channel sums over the rows of [rows, channels]; lanes are channels, accumulated in f64 and rounded once. One channel runs along the row. */
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "./lanes";
import { columnSums, rowSum } from "./reduce";

// @ts-ignore: decorator
@inline
function square(v: v128): v128 {
  return f64x2.mul(v, v);
}

function variance16(x: usize, rows: i32, bytes: usize, mean: usize, out: usize): void {
  const m0 = v128.load(mean);
  const m1 = v128.load(mean, 16);
  const m2 = v128.load(mean, 32);
  const m3 = v128.load(mean, 48);
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  let s4 = f64x2.splat(0);
  let s5 = f64x2.splat(0);
  let s6 = f64x2.splat(0);
  let s7 = f64x2.splat(0);
  for (let r = 0; r < rows; r++) {
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
  const count = f64x2.splat(<f64>rows);
  v128.store(out, narrow(f64x2.div(s0, count), f64x2.div(s1, count)));
  v128.store(out, narrow(f64x2.div(s2, count), f64x2.div(s3, count)), 16);
  v128.store(out, narrow(f64x2.div(s4, count), f64x2.div(s5, count)), 32);
  v128.store(out, narrow(f64x2.div(s6, count), f64x2.div(s7, count)), 48);
}

function variance4(x: usize, rows: i32, bytes: usize, mean: usize, out: usize, columns: i32): void {
  const m = v128.load(mean);
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (let r = 0; r < rows; r++) {
    const d = f32x4.sub(v128.load(x), m);
    s0 = f64x2.add(s0, square(widenLow(d)));
    s1 = f64x2.add(s1, square(widenHigh(d)));
    x += bytes;
  }
  const count = f64x2.splat(<f64>rows);
  storeSome(out, narrow(f64x2.div(s0, count), f64x2.div(s1, count)), columns);
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

export function f32_channel_stats(xPtr: usize, rows: i32, channels: i32, meanPtr: usize, varPtr: usize): void {
  if (channels == 1) {
    const mean = <f32>(rowSum(xPtr, rows) / <f64>rows);
    store<f32>(meanPtr, mean);
    store<f32>(varPtr, rowVariance(xPtr, rows, mean));
    return;
  }
  columnSums(xPtr, meanPtr, rows, channels, <f64>rows);
  const bytes = <usize>channels << 2;
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    const at = <usize>c << 2;
    variance16(xPtr + at, rows, bytes, meanPtr + at, varPtr + at);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    variance4(xPtr + at, rows, bytes, meanPtr + at, varPtr + at, channels - c);
  }
}

function gradients8(
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  mean: usize,
  invStd: usize,
  dgamma: usize,
  dbeta: usize,
): void {
  const m0 = v128.load(mean);
  const m1 = v128.load(mean, 16);
  const i0 = v128.load(invStd);
  const i1 = v128.load(invStd, 16);
  let b0 = f64x2.splat(0);
  let b1 = f64x2.splat(0);
  let b2 = f64x2.splat(0);
  let b3 = f64x2.splat(0);
  let g0 = f64x2.splat(0);
  let g1 = f64x2.splat(0);
  let g2 = f64x2.splat(0);
  let g3 = f64x2.splat(0);
  for (let r = 0; r < rows; r++) {
    const xhat0 = f32x4.mul(f32x4.sub(v128.load(x), m0), i0);
    const dy0 = v128.load(dy);
    const low0 = widenLow(dy0);
    b0 = f64x2.add(b0, low0);
    g0 = f64x2.add(g0, f64x2.mul(low0, widenLow(xhat0)));
    const high0 = widenHigh(dy0);
    b1 = f64x2.add(b1, high0);
    g1 = f64x2.add(g1, f64x2.mul(high0, widenHigh(xhat0)));
    const xhat1 = f32x4.mul(f32x4.sub(v128.load(x, 16), m1), i1);
    const dy1 = v128.load(dy, 16);
    const low1 = widenLow(dy1);
    b2 = f64x2.add(b2, low1);
    g2 = f64x2.add(g2, f64x2.mul(low1, widenLow(xhat1)));
    const high1 = widenHigh(dy1);
    b3 = f64x2.add(b3, high1);
    g3 = f64x2.add(g3, f64x2.mul(high1, widenHigh(xhat1)));
    x += bytes;
    dy += bytes;
  }
  v128.store(dbeta, narrow(b0, b1));
  v128.store(dbeta, narrow(b2, b3), 16);
  v128.store(dgamma, narrow(g0, g1));
  v128.store(dgamma, narrow(g2, g3), 16);
}

function gradients4(
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  mean: v128,
  invStd: v128,
  dgamma: usize,
  dbeta: usize,
  columns: i32,
): void {
  let b0 = f64x2.splat(0);
  let b1 = f64x2.splat(0);
  let g0 = f64x2.splat(0);
  let g1 = f64x2.splat(0);
  for (let r = 0; r < rows; r++) {
    const xhat = f32x4.mul(f32x4.sub(v128.load(x), mean), invStd);
    const d = v128.load(dy);
    const low = widenLow(d);
    const high = widenHigh(d);
    b0 = f64x2.add(b0, low);
    b1 = f64x2.add(b1, high);
    g0 = f64x2.add(g0, f64x2.mul(low, widenLow(xhat)));
    g1 = f64x2.add(g1, f64x2.mul(high, widenHigh(xhat)));
    x += bytes;
    dy += bytes;
  }
  storeSome(dbeta, narrow(b0, b1), columns);
  storeSome(dgamma, narrow(g0, g1), columns);
}

/** One channel: four rows at a time. */
function gradientsOfRow(x: usize, dy: usize, n: i32, mean: f32, invStd: f32, dgamma: usize, dbeta: usize): void {
  const m = f32x4.splat(mean);
  const s = f32x4.splat(invStd);
  let b = f64x2.splat(0);
  let g = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const xhat = f32x4.mul(f32x4.sub(v128.load(x), m), s);
    const d = v128.load(dy);
    b = f64x2.add(b, f64x2.add(widenLow(d), widenHigh(d)));
    g = f64x2.add(
      g,
      f64x2.add(f64x2.mul(widenLow(d), widenLow(xhat)), f64x2.mul(widenHigh(d), widenHigh(xhat))),
    );
    x += 16;
    dy += 16;
  }
  let sum = addLanes(b);
  let dot = addLanes(g);
  for (; i < n; i++) {
    const d = <f64>load<f32>(dy);
    sum += d;
    dot += d * <f64>((load<f32>(x) - mean) * invStd);
    x += 4;
    dy += 4;
  }
  store<f32>(dbeta, <f32>sum);
  store<f32>(dgamma, <f32>dot);
}

export function f32_batchnorm_bwd_reduce(
  xPtr: usize,
  dyPtr: usize,
  rows: i32,
  channels: i32,
  meanPtr: usize,
  invStdPtr: usize,
  dgammaPtr: usize,
  dbetaPtr: usize,
): void {
  if (channels == 1) {
    gradientsOfRow(xPtr, dyPtr, rows, load<f32>(meanPtr), load<f32>(invStdPtr), dgammaPtr, dbetaPtr);
    return;
  }
  const bytes = <usize>channels << 2;
  let c = 0;
  for (; c + 8 <= channels; c += 8) {
    const at = <usize>c << 2;
    gradients8(xPtr + at, dyPtr + at, rows, bytes, meanPtr + at, invStdPtr + at, dgammaPtr + at, dbetaPtr + at);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    const mean = v128.load(meanPtr + at);
    const invStd = v128.load(invStdPtr + at);
    gradients4(xPtr + at, dyPtr + at, rows, bytes, mean, invStd, dgammaPtr + at, dbetaPtr + at, channels - c);
  }
}
