/**
 * @file Batch normalization together with the activation behind it (and a shortcut added between them), forward and backward: chunks of rows go
 * through all steps while they are in the first-level cache, so that what lies between the steps is never written to memory.
 *
 * Each step is the kernel of its own name on the chunk. The sums of the gradients for γ and β are those of f32_batchnorm_bwd_reduce, bit for bit: the
 * same blocks of rows in the same order.
 */
import { f32_batchnorm } from "./channel";
import { f32_relu, f32_relu_bwd } from "./elementwise";
import { loadU8x4, narrow, storeSome, widenHigh, widenLow } from "./lanes";
import { blockRows } from "./reduce";
import { f32_staircase, f32_staircase_bwd, f32_staircase_dalpha } from "./staircase";

/** Elements of a chunk: half of the first-level cache holds what is read and what is made. */
const CHUNK: i32 = 2048;

// @ts-ignore: decorator
@inline
function chunkRows(channels: i32): i32 {
  return max(1, CHUNK / channels);
}

/** Bytes of one vector of sums in f64. */
// @ts-ignore: decorator
@inline
function sumBytes(channels: i32): i32 {
  return (channels + 3) / 4 * 32;
}

/** Bytes of a chunk, and of what is read past its end. */
// @ts-ignore: decorator
@inline
function chunkBytes(channels: i32): i32 {
  return (chunkRows(channels) * channels * 4 + 79) & ~63;
}

export function f32_batchnorm_activation_work(channels: i32): i32 {
  return chunkBytes(channels) + 4 * sumBytes(channels);
}

function addReal(y: usize, shortcut: usize, len: i32): void {
  for (let n = len; n > 0; n -= 4) {
    storeSome(y, f32x4.add(v128.load(y), v128.load(shortcut)), n);
    y += 16;
    shortcut += 16;
  }
}

/** y += f32(step·code). */
function addCodes(y: usize, codes: usize, step: f32, len: i32): void {
  const s = f32x4.splat(step);
  for (let n = len; n > 0; n -= 4) {
    storeSome(y, f32x4.add(v128.load(y), f32x4.mul(f32x4.convert_i32x4_s(loadU8x4(codes)), s)), n);
    y += 16;
    codes += 4;
  }
}

/** Elements `at` … of a shortcut: none at 0, reals if step is 0, else codes. */
// @ts-ignore: decorator
@inline
function addShortcut(y: usize, shortcut: usize, step: f32, at: i32, len: i32): void {
  if (shortcut == 0) return;
  if (step == 0) addReal(y, shortcut + (<usize>at << 2), len);
  else addCodes(y, shortcut + <usize>at, step, len);
}

/** `normPtr`: rows mean, invStd, γ, β of [4, channels]. */
// @ts-ignore: decorator
@inline
function normalize(x: usize, y: usize, rows: i32, channels: i32, normPtr: usize): void {
  const step = <usize>channels << 2;
  f32_batchnorm(x, y, rows, channels, normPtr, normPtr + step, normPtr + 2 * step, normPtr + 3 * step);
}

export function f32_batchnorm_relu(
  xPtr: usize,
  shortcutPtr: usize,
  step: f32,
  yPtr: usize,
  rows: i32,
  channels: i32,
  normPtr: usize,
): void {
  const chunk = chunkRows(channels);
  for (let row = 0; row < rows; row += chunk) {
    const at = row * channels;
    const n = min(chunk, rows - row);
    const y = yPtr + (<usize>at << 2);
    normalize(xPtr + (<usize>at << 2), y, n, channels, normPtr);
    addShortcut(y, shortcutPtr, step, at, n * channels);
    f32_relu(y, y, n * channels);
  }
}

export function f32_batchnorm_staircase(
  xPtr: usize,
  shortcutPtr: usize,
  step: f32,
  codesPtr: usize,
  rows: i32,
  channels: i32,
  normPtr: usize,
  alpha: f32,
  top: i32,
  nearest: i32,
  workPtr: usize,
): void {
  const chunk = chunkRows(channels);
  for (let row = 0; row < rows; row += chunk) {
    const at = row * channels;
    const n = min(chunk, rows - row);
    normalize(xPtr + (<usize>at << 2), workPtr, n, channels, normPtr);
    addShortcut(workPtr, shortcutPtr, step, at, n * channels);
    f32_staircase(workPtr, codesPtr + <usize>at, n * channels, alpha, top, nearest);
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
function addProducts(x: usize, g: usize, rows: i32, channels: i32, normPtr: usize, dots: usize, sums: usize): void {
  const bytes = <usize>channels << 2;
  let c = 0;
  for (; c + 8 <= channels; c += 8) {
    const at = <usize>c << 2;
    addProducts8(x + at, g + at, rows, bytes, normPtr + at, normPtr + bytes + at, dots + 2 * at, sums + 2 * at);
  }
  for (; c < channels; c += 4) {
    const at = <usize>c << 2;
    const mean = v128.load(normPtr + at);
    const invStd = v128.load(normPtr + bytes + at);
    addProducts4(x + at, g + at, rows, bytes, mean, invStd, dots + 2 * at, sums + 2 * at);
  }
}

/** One block of rows of f32_batchnorm_relu_bwd; its sums in f64, vectors of `channels` rounded up to a multiple of 4. */
export function f32_batchnorm_relu_bwd_part(
  xPtr: usize,
  yPtr: usize,
  dyPtr: usize,
  gPtr: usize,
  rows: i32,
  channels: i32,
  normPtr: usize,
  dotsPtr: usize,
  sumsPtr: usize,
): void {
  memory.fill(dotsPtr, 0, sumBytes(channels));
  memory.fill(sumsPtr, 0, sumBytes(channels));
  const chunk = chunkRows(channels);
  for (let row = 0; row < rows; row += chunk) {
    const n = min(chunk, rows - row);
    const at = <usize>(row * channels) << 2;
    f32_relu_bwd(yPtr + at, dyPtr + at, gPtr + at, n * channels);
    addProducts(xPtr + at, gPtr + at, n, channels, normPtr, dotsPtr, sumsPtr);
  }
}

/** One block of rows of f32_batchnorm_staircase_bwd, as f32_batchnorm_relu_bwd_part. @returns its part of the gradient for alpha */
export function f32_batchnorm_staircase_bwd_part(
  xPtr: usize,
  shortcutPtr: usize,
  step: f32,
  codesPtr: usize,
  dyPtr: usize,
  gPtr: usize,
  rows: i32,
  channels: i32,
  normPtr: usize,
  alpha: f32,
  top: i32,
  proxy: i32,
  rule: i32,
  dotsPtr: usize,
  sumsPtr: usize,
  workPtr: usize,
): f64 {
  memory.fill(dotsPtr, 0, sumBytes(channels));
  memory.fill(sumsPtr, 0, sumBytes(channels));
  const chunk = chunkRows(channels);
  let dalpha: f64 = 0;
  for (let row = 0; row < rows; row += chunk) {
    const first = row * channels;
    const n = min(chunk, rows - row);
    const len = n * channels;
    const at = <usize>first << 2;
    normalize(xPtr + at, workPtr, n, channels, normPtr);
    addShortcut(workPtr, shortcutPtr, step, first, len);
    dalpha += f32_staircase_dalpha(workPtr, codesPtr + <usize>first, dyPtr + at, len, alpha, top, rule);
    f32_staircase_bwd(workPtr, dyPtr + at, gPtr + at, len, alpha, top, proxy);
    addProducts(xPtr + at, gPtr + at, n, channels, normPtr, dotsPtr, sumsPtr);
  }
  return dalpha;
}

/** total += block. */
// @ts-ignore: decorator
@inline
function addVectors(total: usize, block: usize, channels: i32): void {
  for (let at: usize = 0; at < <usize>sumBytes(channels); at += 16) {
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

export function f32_batchnorm_relu_bwd(
  xPtr: usize,
  yPtr: usize,
  dyPtr: usize,
  gPtr: usize,
  rows: i32,
  channels: i32,
  normPtr: usize,
  dgammaPtr: usize,
  dbetaPtr: usize,
  workPtr: usize,
): void {
  const size = <usize>sumBytes(channels);
  const block = blockRows(channels);
  const dots = workPtr + 2 * size;
  memory.fill(workPtr, 0, 2 * size);
  for (let row = 0; row < rows; row += block) {
    const at = <usize>(row * channels) << 2;
    const n = min(block, rows - row);
    f32_batchnorm_relu_bwd_part(xPtr + at, yPtr + at, dyPtr + at, gPtr + at, n, channels, normPtr, dots, dots + size);
    addVectors(workPtr, dots, channels);
    addVectors(workPtr + size, dots + size, channels);
  }
  roundVector(workPtr, dgammaPtr, channels);
  roundVector(workPtr + size, dbetaPtr, channels);
}

export function f32_batchnorm_staircase_bwd(
  xPtr: usize,
  shortcutPtr: usize,
  step: f32,
  codesPtr: usize,
  dyPtr: usize,
  gPtr: usize,
  rows: i32,
  channels: i32,
  normPtr: usize,
  alpha: f32,
  top: i32,
  proxy: i32,
  rule: i32,
  dgammaPtr: usize,
  dbetaPtr: usize,
  workPtr: usize,
): f64 {
  const size = <usize>sumBytes(channels);
  const block = blockRows(channels);
  const dots = workPtr + 2 * size;
  memory.fill(workPtr, 0, 2 * size);
  const shortcutShift: usize = step == 0 ? 2 : 0;
  let dalpha: f64 = 0;
  for (let row = 0; row < rows; row += block) {
    const first = <usize>(row * channels);
    const at = first << 2;
    const n = min(block, rows - row);
    dalpha += f32_batchnorm_staircase_bwd_part(
      xPtr + at,
      shortcutPtr == 0 ? 0 : shortcutPtr + (first << shortcutShift),
      step,
      codesPtr + first,
      dyPtr + at,
      gPtr + at,
      n,
      channels,
      normPtr,
      alpha,
      top,
      proxy,
      rule,
      dots,
      dots + size,
      dots + 2 * size,
    );
    addVectors(workPtr, dots, channels);
    addVectors(workPtr + size, dots + size, channels);
  }
  roundVector(workPtr, dgammaPtr, channels);
  roundVector(workPtr + size, dbetaPtr, channels);
  return dalpha;
}
