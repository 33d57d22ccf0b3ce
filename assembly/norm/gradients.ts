/**
 * @file Gradients of batch normalization's scale and shift: Σ g·xhat and Σ g over rows, lanes are channels. Sums are
 * vectors of f64, of a length rounded up to a multiple of 4; blocks of rows (reduce/sums.ts) are added in order, and
 * the total is rounded once.
 */
import { blockRows } from "../reduce/sums";
import { addLanes, narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";

/** Bytes of one vector of sums in f64. */
// @ts-ignore: decorator
@inline
export function sumBytes(channels: i32): i32 {
  return (channels + 3) / 4 * 32;
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

/** total += block, two vectors each. */
// @ts-ignore: decorator
@inline
export function addSums(total: usize, block: usize, channels: i32): void {
  for (let at: usize = 0; at < 2 * <usize>sumBytes(channels); at += 16) {
    v128.store(total + at, f64x2.add(v128.load(total + at), v128.load(block + at)));
  }
}

/** Rounds a vector of f64. */
// @ts-ignore: decorator
@inline
function roundVector(from: usize, to: usize, channels: i32): void {
  for (let c = 0; c < channels; c += 4) {
    storeSome(to, narrow(v128.load(from), v128.load(from, 16)), channels - c);
    from += 32;
    to += 16;
  }
}

/** Two vectors of sums, rounded, or, if `sums` is not 0, as they are. */
export function putSums(total: usize, dgamma: usize, dbeta: usize, channels: i32, sums: usize): void {
  const size = <usize>sumBytes(channels);
  if (sums != 0) {
    memory.copy(sums, total, 2 * size);
    return;
  }
  roundVector(total, dgamma, channels);
  roundVector(total + size, dbeta, channels);
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
  workPtr: usize,
  sumsPtr: usize,
): void {
  if (channels == 1) {
    gradientsOfRow(xPtr, dyPtr, rows, load<f32>(meanPtr), load<f32>(invStdPtr), dgammaPtr, dbetaPtr);
    return;
  }
  const size = <usize>sumBytes(channels);
  const part = workPtr + 2 * size;
  const block = blockRows(channels);
  memory.fill(workPtr, 0, 2 * size);
  for (let row = 0; row < rows; row += block) {
    const at = <usize>(row * channels) << 2;
    memory.fill(part, 0, 2 * size);
    addProducts(xPtr + at, dyPtr + at, min(block, rows - row), channels, meanPtr, invStdPtr, part, part + size);
    addSums(workPtr, part, channels);
  }
  putSums(workPtr, dgammaPtr, dbetaPtr, channels, sumsPtr);
}
