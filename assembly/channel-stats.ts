/** @file Per-channel sums over the rows of [rows, channels]; lanes are channels, accumulated in f64 and rounded once. One channel runs along the row. */
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "./lanes";
import { blockRows, columnSums, rowSum } from "./reduce";

// @ts-ignore: decorator
@inline
function square(v: v128): v128 {
  return f64x2.mul(v, v);
}

/** Squared distances from the mean of 16 channels, summed in blocks of rows (see reduce.ts); divided and rounded, or as 16 f64 if `raw`. */
// @ts-ignore: decorator
@inline
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
// @ts-ignore: decorator
@inline
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

// Leaves of their own, so that they are optimized early.
function variance16(x: usize, rows: i32, bytes: usize, block: i32, mean: usize, out: usize): void {
  squares16(false, x, rows, bytes, block, mean, out);
}
function variance4(x: usize, rows: i32, bytes: usize, block: i32, mean: usize, out: usize, columns: i32): void {
  squares4(false, x, rows, bytes, block, mean, out, columns);
}
function rawSquares16(x: usize, rows: i32, bytes: usize, mean: usize, out: usize): void {
  squares16(true, x, rows, bytes, rows, mean, out);
}
function rawSquares4(x: usize, rows: i32, bytes: usize, mean: usize, out: usize): void {
  squares4(true, x, rows, bytes, rows, mean, out, 4);
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
  const block = blockRows(channels);
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    const at = <usize>c << 2;
    variance16(xPtr + at, rows, bytes, block, meanPtr + at, varPtr + at);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    variance4(xPtr + at, rows, bytes, block, meanPtr + at, varPtr + at, channels - c);
  }
}

/** One block's squared distances from the mean, in f64: out has room for `channels` rounded up to a multiple of 4. */
export function f32_channel_squares_part(xPtr: usize, rows: i32, channels: i32, meanPtr: usize, outPtr: usize): void {
  const bytes = <usize>channels << 2;
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    const at = <usize>c << 2;
    rawSquares16(xPtr + at, rows, bytes, meanPtr + at, outPtr + 2 * at);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    rawSquares4(xPtr + at, rows, bytes, meanPtr + at, outPtr + 2 * at);
  }
}

/** Σ dy and Σ dy·xhat of 8 channels, summed in blocks of rows (see reduce.ts); rounded, or as 8 f64 each if `raw`. */
// @ts-ignore: decorator
@inline
function products8(
  raw: bool,
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  block: i32,
  mean: usize,
  invStd: usize,
  dgamma: usize,
  dbeta: usize,
): void {
  const m0 = v128.load(mean);
  const m1 = v128.load(mean, 16);
  const i0 = v128.load(invStd);
  const i1 = v128.load(invStd, 16);
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let sum2 = f64x2.splat(0);
  let sum3 = f64x2.splat(0);
  let dot0 = f64x2.splat(0);
  let dot1 = f64x2.splat(0);
  let dot2 = f64x2.splat(0);
  let dot3 = f64x2.splat(0);
  for (let n = rows; n > 0; n -= block) {
    let b0 = f64x2.splat(0);
    let b1 = f64x2.splat(0);
    let b2 = f64x2.splat(0);
    let b3 = f64x2.splat(0);
    let g0 = f64x2.splat(0);
    let g1 = f64x2.splat(0);
    let g2 = f64x2.splat(0);
    let g3 = f64x2.splat(0);
    for (let r = min(n, block); r > 0; r--) {
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
    sum0 = f64x2.add(sum0, b0);
    sum1 = f64x2.add(sum1, b1);
    sum2 = f64x2.add(sum2, b2);
    sum3 = f64x2.add(sum3, b3);
    dot0 = f64x2.add(dot0, g0);
    dot1 = f64x2.add(dot1, g1);
    dot2 = f64x2.add(dot2, g2);
    dot3 = f64x2.add(dot3, g3);
  }
  if (raw) {
    v128.store(dbeta, sum0);
    v128.store(dbeta, sum1, 16);
    v128.store(dbeta, sum2, 32);
    v128.store(dbeta, sum3, 48);
    v128.store(dgamma, dot0);
    v128.store(dgamma, dot1, 16);
    v128.store(dgamma, dot2, 32);
    v128.store(dgamma, dot3, 48);
  } else {
    v128.store(dbeta, narrow(sum0, sum1));
    v128.store(dbeta, narrow(sum2, sum3), 16);
    v128.store(dgamma, narrow(dot0, dot1));
    v128.store(dgamma, narrow(dot2, dot3), 16);
  }
}

/** The same of four channels, `columns` of which are stored; raw stores all four. */
// @ts-ignore: decorator
@inline
function products4(
  raw: bool,
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  block: i32,
  mean: v128,
  invStd: v128,
  dgamma: usize,
  dbeta: usize,
  columns: i32,
): void {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let dot0 = f64x2.splat(0);
  let dot1 = f64x2.splat(0);
  for (let n = rows; n > 0; n -= block) {
    let b0 = f64x2.splat(0);
    let b1 = f64x2.splat(0);
    let g0 = f64x2.splat(0);
    let g1 = f64x2.splat(0);
    for (let r = min(n, block); r > 0; r--) {
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
    sum0 = f64x2.add(sum0, b0);
    sum1 = f64x2.add(sum1, b1);
    dot0 = f64x2.add(dot0, g0);
    dot1 = f64x2.add(dot1, g1);
  }
  if (raw) {
    v128.store(dbeta, sum0);
    v128.store(dbeta, sum1, 16);
    v128.store(dgamma, dot0);
    v128.store(dgamma, dot1, 16);
  } else {
    storeSome(dbeta, narrow(sum0, sum1), columns);
    storeSome(dgamma, narrow(dot0, dot1), columns);
  }
}

// Leaves of their own, so that they are optimized early.
function gradients8(
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  block: i32,
  mean: usize,
  invStd: usize,
  dgamma: usize,
  dbeta: usize,
): void {
  products8(false, x, dy, rows, bytes, block, mean, invStd, dgamma, dbeta);
}
function gradients4(
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  block: i32,
  mean: v128,
  invStd: v128,
  dgamma: usize,
  dbeta: usize,
  columns: i32,
): void {
  products4(false, x, dy, rows, bytes, block, mean, invStd, dgamma, dbeta, columns);
}
function rawGradients8(
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  mean: usize,
  invStd: usize,
  dgamma: usize,
  dbeta: usize,
): void {
  products8(true, x, dy, rows, bytes, rows, mean, invStd, dgamma, dbeta);
}
function rawGradients4(
  x: usize,
  dy: usize,
  rows: i32,
  bytes: usize,
  mean: v128,
  invStd: v128,
  dgamma: usize,
  dbeta: usize,
): void {
  products4(true, x, dy, rows, bytes, rows, mean, invStd, dgamma, dbeta, 4);
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
  const block = blockRows(channels);
  let c = 0;
  for (; c + 8 <= channels; c += 8) {
    const at = <usize>c << 2;
    gradients8(xPtr + at, dyPtr + at, rows, bytes, block, meanPtr + at, invStdPtr + at, dgammaPtr + at, dbetaPtr + at);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    const mean = v128.load(meanPtr + at);
    const invStd = v128.load(invStdPtr + at);
    gradients4(xPtr + at, dyPtr + at, rows, bytes, block, mean, invStd, dgammaPtr + at, dbetaPtr + at, channels - c);
  }
}

/** One block's sums of f32_batchnorm_bwd_reduce, in f64: both outputs have room for `channels` rounded up to a multiple of 4. */
export function f32_batchnorm_bwd_reduce_part(
  xPtr: usize,
  dyPtr: usize,
  rows: i32,
  channels: i32,
  meanPtr: usize,
  invStdPtr: usize,
  dgammaPtr: usize,
  dbetaPtr: usize,
): void {
  const bytes = <usize>channels << 2;
  let c = 0;
  for (; c + 8 <= channels; c += 8) {
    const at = <usize>c << 2;
    const to = <usize>c << 3;
    rawGradients8(xPtr + at, dyPtr + at, rows, bytes, meanPtr + at, invStdPtr + at, dgammaPtr + to, dbetaPtr + to);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    const to = <usize>c << 3;
    const mean = v128.load(meanPtr + at);
    const invStd = v128.load(invStdPtr + at);
    rawGradients4(xPtr + at, dyPtr + at, rows, bytes, mean, invStd, dgammaPtr + to, dbetaPtr + to);
  }
}
