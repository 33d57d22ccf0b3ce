/**
 * @file Backward of activation.ts: the activation's gradient g, and the sums of g that batch normalization wants, in
 * one pass.
 *
 * The sums of the gradients for γ and β are those of f32_batchnorm_bwd_reduce, bit for bit: the same blocks of rows in
 * the same order.
 */
import { addProducts, addSums, putSums, sumBytes } from "./gradients";
import { f32_relu_bwd } from "../elementwise/unary";
import { addLanes, widenHigh, widenLow } from "../shared/lanes";
import { addShortcut, chunkRows, normalize, withShortcut } from "./steps";
import { blockRows } from "../reduce/sums";
import { AlphaRule, f32_staircase_bwd, f32_staircase_dalpha, Proxy } from "../staircase/staircase";

/**
 * One block of rows of f32_batchnorm_relu_bwd; its sums in f64, vectors of `channels` rounded up to a multiple of 4.
 */
function reluBlock(
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
    addProducts(xPtr + at, gPtr + at, n, channels, normPtr, normPtr + (<usize>channels << 2), dotsPtr, sumsPtr);
  }
}

/**
 * A chunk of rows of a multiple of 4 channels in one pass, for the clipped ReLU as proxy: writes g and adds to the sums
 * of g·xhat and g.
 *
 * @returns Σ dy over the elements above the limit
 */
// @ts-ignore: decorator
@inline
function clippedRows(
  kind: i32,
  x: usize,
  shortcut: usize,
  step: v128,
  dy: usize,
  g: usize,
  rows: i32,
  channels: i32,
  norm: usize,
  limit: v128,
  dots: usize,
  sums: usize,
): f64 {
  const row = <usize>channels << 2;
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (let c: usize = 0; c < <usize>channels; c += 4) {
    const mean = v128.load(norm + (c << 2));
    const invStd = v128.load(norm + row + (c << 2));
    const gamma = v128.load(norm + 2 * row + (c << 2));
    const beta = v128.load(norm + 3 * row + (c << 2));
    let b0 = v128.load(sums + (c << 3));
    let b1 = v128.load(sums + (c << 3), 16);
    let g0 = v128.load(dots + (c << 3));
    let g1 = v128.load(dots + (c << 3), 16);
    let at = c;
    for (let r = rows; r > 0; r--) {
      const xhat = f32x4.mul(f32x4.sub(v128.load(x + (at << 2)), mean), invStd);
      const z = withShortcut(kind, f32x4.add(f32x4.mul(xhat, gamma), beta), shortcut, at, step);
      const d = v128.load(dy + (at << 2));
      const above = f32x4.gt(z, limit);
      const over = v128.and(d, above);
      const masked = v128.and(v128.andnot(d, above), f32x4.gt(z, f32x4.splat(0)));
      v128.store(g + (at << 2), masked);
      s0 = f64x2.add(s0, widenLow(over));
      s1 = f64x2.add(s1, widenHigh(over));
      const low = widenLow(masked);
      b0 = f64x2.add(b0, low);
      g0 = f64x2.add(g0, f64x2.mul(low, widenLow(xhat)));
      const high = widenHigh(masked);
      b1 = f64x2.add(b1, high);
      g1 = f64x2.add(g1, f64x2.mul(high, widenHigh(xhat)));
      at += <usize>channels;
    }
    v128.store(sums + (c << 3), b0);
    v128.store(sums + (c << 3), b1, 16);
    v128.store(dots + (c << 3), g0);
    v128.store(dots + (c << 3), g1, 16);
  }
  return addLanes(f64x2.add(s0, s1));
}

// Leaves of their own, so that they are optimized early.
function clippedPlain(x: usize, dy: usize, g: usize, rows: i32, channels: i32, norm: usize, limit: v128, dots: usize, sums: usize): f64 {
  return clippedRows(0, x, 0, limit, dy, g, rows, channels, norm, limit, dots, sums);
}
function clippedReal(x: usize, shortcut: usize, dy: usize, g: usize, rows: i32, channels: i32, norm: usize, limit: v128, dots: usize, sums: usize): f64 {
  return clippedRows(1, x, shortcut, limit, dy, g, rows, channels, norm, limit, dots, sums);
}
function clippedCodes(x: usize, shortcut: usize, step: v128, dy: usize, g: usize, rows: i32, channels: i32, norm: usize, limit: v128, dots: usize, sums: usize): f64 {
  return clippedRows(2, x, shortcut, step, dy, g, rows, channels, norm, limit, dots, sums);
}

/** Sum of a vector of f64 in order. */
// @ts-ignore: decorator
@inline
function vectorSum(from: usize, channels: i32): f64 {
  let sum: f64 = 0;
  for (let c: usize = 0; c < <usize>channels; c++) sum += load<f64>(from + (c << 3));
  return sum;
}

/** One block of rows of f32_batchnorm_staircase_bwd, as reluBlock. @returns its part of the gradient for alpha */
function staircaseBlock(
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
  if (<u32>rule >= <u32>AlphaRule.Count) unreachable();
  let dalpha: f64 = 0;
  if (proxy == Proxy.ClippedRelu && rule != AlphaRule.AlmostEverywhere && (channels & 3) == 0) {
    // g is dy in the middle, so its sums are those of the rule's middle value too.
    const limit = f32x4.splat(alpha * <f32>top);
    for (let row = 0; row < rows; row += chunk) {
      const first = <usize>(row * channels);
      const n = min(chunk, rows - row);
      const at = first << 2;
      const x = xPtr + at;
      const dy = dyPtr + at;
      const g = gPtr + at;
      if (shortcutPtr == 0) dalpha += clippedPlain(x, dy, g, n, channels, normPtr, limit, dotsPtr, sumsPtr);
      else if (step == 0) dalpha += clippedReal(x, shortcutPtr + at, dy, g, n, channels, normPtr, limit, dotsPtr, sumsPtr);
      else {
        const s = f32x4.splat(step);
        dalpha += clippedCodes(x, shortcutPtr + first, s, dy, g, n, channels, normPtr, limit, dotsPtr, sumsPtr);
      }
    }
    dalpha *= <f64>top;
    return rule == AlphaRule.ThreeValued ? dalpha + <f64>((top + 1) >> 1) * vectorSum(sumsPtr, channels) : dalpha;
  }
  for (let row = 0; row < rows; row += chunk) {
    const first = row * channels;
    const n = min(chunk, rows - row);
    const len = n * channels;
    const at = <usize>first << 2;
    normalize(xPtr + at, workPtr, n, channels, normPtr);
    addShortcut(workPtr, shortcutPtr, step, first, len);
    dalpha += f32_staircase_dalpha(workPtr, codesPtr + <usize>first, dyPtr + at, len, alpha, top, rule);
    f32_staircase_bwd(workPtr, dyPtr + at, gPtr + at, len, alpha, top, proxy);
    addProducts(xPtr + at, gPtr + at, n, channels, normPtr, normPtr + (<usize>channels << 2), dotsPtr, sumsPtr);
  }
  return dalpha;
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
  sumsPtr: usize,
): void {
  const size = <usize>sumBytes(channels);
  const block = blockRows(channels);
  const dots = workPtr + 2 * size;
  memory.fill(workPtr, 0, 2 * size);
  for (let row = 0; row < rows; row += block) {
    const at = <usize>(row * channels) << 2;
    const n = min(block, rows - row);
    reluBlock(xPtr + at, yPtr + at, dyPtr + at, gPtr + at, n, channels, normPtr, dots, dots + size);
    addSums(workPtr, dots, channels);
  }
  putSums(workPtr, dgammaPtr, dbetaPtr, channels, sumsPtr);
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
  sumsPtr: usize,
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
    dalpha += staircaseBlock(
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
    addSums(workPtr, dots, channels);
  }
  putSums(workPtr, dgammaPtr, dbetaPtr, channels, sumsPtr);
  return dalpha;
}
