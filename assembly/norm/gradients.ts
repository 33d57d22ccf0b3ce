/** @file Gradients of batch normalization's scale and shift: per-channel sums over rows; lanes are channels, in f64, rounded once. */
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";
import { blockRows } from "../reduce/reduce";

/** Σ dy and Σ dy·xhat of 8 channels, summed in blocks of rows (see reduce.ts), rounded. */
// @ts-ignore: decorator
@inline
function products8(
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
  v128.store(dbeta, narrow(sum0, sum1));
  v128.store(dbeta, narrow(sum2, sum3), 16);
  v128.store(dgamma, narrow(dot0, dot1));
  v128.store(dgamma, narrow(dot2, dot3), 16);
}

/** The same of four channels, `columns` of which are stored. */
// @ts-ignore: decorator
@inline
function products4(
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
  storeSome(dbeta, narrow(sum0, sum1), columns);
  storeSome(dgamma, narrow(dot0, dot1), columns);
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
  products8(x, dy, rows, bytes, block, mean, invStd, dgamma, dbeta);
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
  products4(x, dy, rows, bytes, block, mean, invStd, dgamma, dbeta, columns);
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

/** Adds Σ g and Σ g·xhat of some rows to the sums of 8 channels. */
function addProducts8(x: usize, g: usize, rows: i32, bytes: usize, mean: usize, invStd: usize, dots: usize, sums: usize): void {
  const m0 = v128.load(mean);
  const m1 = v128.load(mean, 16);
  const i0 = v128.load(invStd);
  const i1 = v128.load(invStd, 16);
  let b0 = v128.load(sums);
  let b1 = v128.load(sums, 16);
  let b2 = v128.load(sums, 32);
  let b3 = v128.load(sums, 48);
  let g0 = v128.load(dots);
  let g1 = v128.load(dots, 16);
  let g2 = v128.load(dots, 32);
  let g3 = v128.load(dots, 48);
  for (; rows > 0; rows--) {
    const xhat0 = f32x4.mul(f32x4.sub(v128.load(x), m0), i0);
    const d0 = v128.load(g);
    const low0 = widenLow(d0);
    b0 = f64x2.add(b0, low0);
    g0 = f64x2.add(g0, f64x2.mul(low0, widenLow(xhat0)));
    const high0 = widenHigh(d0);
    b1 = f64x2.add(b1, high0);
    g1 = f64x2.add(g1, f64x2.mul(high0, widenHigh(xhat0)));
    const xhat1 = f32x4.mul(f32x4.sub(v128.load(x, 16), m1), i1);
    const d1 = v128.load(g, 16);
    const low1 = widenLow(d1);
    b2 = f64x2.add(b2, low1);
    g2 = f64x2.add(g2, f64x2.mul(low1, widenLow(xhat1)));
    const high1 = widenHigh(d1);
    b3 = f64x2.add(b3, high1);
    g3 = f64x2.add(g3, f64x2.mul(high1, widenHigh(xhat1)));
    x += bytes;
    g += bytes;
  }
  v128.store(sums, b0);
  v128.store(sums, b1, 16);
  v128.store(sums, b2, 32);
  v128.store(sums, b3, 48);
  v128.store(dots, g0);
  v128.store(dots, g1, 16);
  v128.store(dots, g2, 32);
  v128.store(dots, g3, 48);
}

function addProducts4(x: usize, g: usize, rows: i32, bytes: usize, mean: v128, invStd: v128, dots: usize, sums: usize): void {
  let b0 = v128.load(sums);
  let b1 = v128.load(sums, 16);
  let g0 = v128.load(dots);
  let g1 = v128.load(dots, 16);
  for (; rows > 0; rows--) {
    const xhat = f32x4.mul(f32x4.sub(v128.load(x), mean), invStd);
    const d = v128.load(g);
    const low = widenLow(d);
    const high = widenHigh(d);
    b0 = f64x2.add(b0, low);
    b1 = f64x2.add(b1, high);
    g0 = f64x2.add(g0, f64x2.mul(low, widenLow(xhat)));
    g1 = f64x2.add(g1, f64x2.mul(high, widenHigh(xhat)));
    x += bytes;
    g += bytes;
  }
  v128.store(sums, b0);
  v128.store(sums, b1, 16);
  v128.store(dots, g0);
  v128.store(dots, g1, 16);
}

/** Adds Σ g·xhat and Σ g of some rows to vectors of f64, `channels` rounded up to a multiple of 4. */
export function addProducts(
  x: usize,
  g: usize,
  rows: i32,
  channels: i32,
  meanPtr: usize,
  invStdPtr: usize,
  dots: usize,
  sums: usize,
): void {
  const bytes = <usize>channels << 2;
  let c = 0;
  for (; c + 8 <= channels; c += 8) {
    const at = <usize>c << 2;
    addProducts8(x + at, g + at, rows, bytes, meanPtr + at, invStdPtr + at, dots + 2 * at, sums + 2 * at);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    const mean = v128.load(meanPtr + at);
    const invStd = v128.load(invStdPtr + at);
    addProducts4(x + at, g + at, rows, bytes, mean, invStd, dots + 2 * at, sums + 2 * at);
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
  memory.fill(dgammaPtr, 0, (channels + 3) / 4 * 32);
  memory.fill(dbetaPtr, 0, (channels + 3) / 4 * 32);
  addProducts(xPtr, dyPtr, rows, channels, meanPtr, invStdPtr, dgammaPtr, dbetaPtr);
}
