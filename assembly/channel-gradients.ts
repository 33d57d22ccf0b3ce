/** @file Gradients of batch normalization's scale and shift: per-channel sums over rows; lanes are channels, in f64, rounded once. */
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "./lanes";
import { blockRows } from "./reduce";

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
