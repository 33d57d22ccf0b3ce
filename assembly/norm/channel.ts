/**
 * @file Per-channel maps of [rows, channels]. They go through tiles of rows that fit the first-level cache, four lanes
 * of the channel pattern at a time with their constants in registers; a channel count that four does not divide repeats
 * after 2 or 4 rows, so every count runs at full width.
 */
import { patternAt, rowsPerPattern, storeSome, tileRows } from "../shared/lanes";

const enum Op {
  Affine,
  ScaleInteger, // i32 input, no shift
  AffineInteger,
  Normalize,
  NormalizeBwd,
}

// @ts-ignore: decorator
@inline
function apply(op: Op, x: v128, dy: v128, p0: v128, p1: v128, p2: v128, p3: v128, p4: v128): v128 {
  if (op == Op.Affine) return f32x4.add(f32x4.mul(x, p0), p1);
  if (op == Op.ScaleInteger) return f32x4.mul(f32x4.convert_i32x4_s(x), p0);
  if (op == Op.AffineInteger) return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x), p0), p1);
  const xhat = f32x4.mul(f32x4.sub(x, p0), p1);
  if (op == Op.Normalize) return f32x4.add(f32x4.mul(xhat, p2), p3);
  // p2 = gamma·invStd, p3 = dbeta/rows, p4 = dgamma/rows
  return f32x4.mul(p2, f32x4.sub(f32x4.sub(dy, p3), f32x4.mul(xhat, p4)));
}

/** Channel constants from their arrays, and for NormalizeBwd what apply() wants of them. */
// @ts-ignore: decorator
@inline
function constant(op: Op, which: i32, ptr: usize, invStd: v128, rows: v128, j: i32, channels: i32): v128 {
  if (op == Op.ScaleInteger && which > 0) return f32x4.splat(0);
  if ((op == Op.Affine || op == Op.AffineInteger) && which > 1) return f32x4.splat(0);
  if (op == Op.Normalize && which > 3) return f32x4.splat(0);
  const v = patternAt(ptr, j, channels);
  if (op == Op.NormalizeBwd && which == 2) return f32x4.mul(v, invStd);
  if (op == Op.NormalizeBwd && which > 2) return f32x4.div(v, rows);
  return v;
}

/**
 * Rows of many channels: straight through memory, constants from the first-level cache (twice the speed of tiles at 64
 * channels).
 */
// @ts-ignore: decorator
@inline
function rowWise(
  op: Op,
  x: usize,
  out: usize,
  rows: i32,
  channels: i32,
  ptr0: usize,
  ptr1: usize,
  ptr2: usize,
  ptr3: usize,
): void {
  const zero = f32x4.splat(0);
  const bytes = <usize>channels << 2;
  for (let r = 0; r < rows; r++) {
    for (let at: usize = 0; at < bytes; at += 16) {
      const p0 = v128.load(ptr0 + at);
      const p1 = op == Op.ScaleInteger ? zero : v128.load(ptr1 + at);
      const p2 = op == Op.Normalize ? v128.load(ptr2 + at) : zero;
      const p3 = op == Op.Normalize ? v128.load(ptr3 + at) : zero;
      v128.store(out + at, apply(op, v128.load(x + at), zero, p0, p1, p2, p3, zero));
    }
    x += bytes;
    out += bytes;
  }
}

// @ts-ignore: decorator
@inline
function map(
  op: Op,
  x: usize,
  dy: usize,
  out: usize,
  rows: i32,
  channels: i32,
  ptr0: usize,
  ptr1: usize,
  ptr2: usize,
  ptr3: usize,
  ptr4: usize,
  rowsInAll: i32,
): void {
  if (rows == 0 || channels == 0) return;
  if (op != Op.NormalizeBwd && (channels & 3) == 0 && channels >= 32) {
    rowWise(op, x, out, rows, channels, ptr0, ptr1, ptr2, ptr3);
    return;
  }
  const perPattern = rowsPerPattern(channels);
  const width = channels * perPattern;
  const bytes = <usize>width << 2;
  const patterns = rows / perPattern;
  const rowsReal = f32x4.splat(<f32>rowsInAll);
  const zero = f32x4.splat(0);
  const tile = tileRows(width);
  for (let start = 0; start < patterns; start += tile) {
    const count = min(tile, patterns - start);
    for (let j = 0; j < width; j += 4) {
      const p0 = constant(op, 0, ptr0, zero, zero, j, channels);
      const p1 = constant(op, 1, ptr1, zero, zero, j, channels);
      const p2 = constant(op, 2, ptr2, p1, rowsReal, j, channels);
      const p3 = constant(op, 3, ptr3, p1, rowsReal, j, channels);
      const p4 = constant(op, 4, ptr4, p1, rowsReal, j, channels);
      let at = <usize>start * bytes + (<usize>j << 2);
      for (let r = 0; r < count; r++) {
        const g = op == Op.NormalizeBwd ? v128.load(dy + at) : zero;
        v128.store(out + at, apply(op, v128.load(x + at), g, p0, p1, p2, p3, p4));
        at += bytes;
      }
    }
  }
  const total = rows * channels;
  for (let i = patterns * width; i < total; i += 4) {
    const j = i - patterns * width;
    const p0 = constant(op, 0, ptr0, zero, zero, j, channels);
    const p1 = constant(op, 1, ptr1, zero, zero, j, channels);
    const p2 = constant(op, 2, ptr2, p1, rowsReal, j, channels);
    const p3 = constant(op, 3, ptr3, p1, rowsReal, j, channels);
    const p4 = constant(op, 4, ptr4, p1, rowsReal, j, channels);
    const at = <usize>i << 2;
    const g = op == Op.NormalizeBwd ? v128.load(dy + at) : zero;
    storeSome(out + at, apply(op, v128.load(x + at), g, p0, p1, p2, p3, p4), total - i);
  }
}

export function f32_channel_affine(
  xPtr: usize,
  outPtr: usize,
  rows: i32,
  channels: i32,
  scalePtr: usize,
  shiftPtr: usize,
): void {
  map(Op.Affine, xPtr, 0, outPtr, rows, channels, scalePtr, shiftPtr, 0, 0, 0, rows);
}

export function i32_scale_bias(
  accPtr: usize,
  outPtr: usize,
  rows: i32,
  channels: i32,
  scalePtr: usize,
  biasPtr: usize,
): void {
  if (biasPtr == 0) map(Op.ScaleInteger, accPtr, 0, outPtr, rows, channels, scalePtr, 0, 0, 0, 0, rows);
  else map(Op.AffineInteger, accPtr, 0, outPtr, rows, channels, scalePtr, biasPtr, 0, 0, 0, rows);
}

export function f32_batchnorm(
  xPtr: usize,
  outPtr: usize,
  rows: i32,
  channels: i32,
  meanPtr: usize,
  invStdPtr: usize,
  gammaPtr: usize,
  betaPtr: usize,
): void {
  map(Op.Normalize, xPtr, 0, outPtr, rows, channels, meanPtr, invStdPtr, gammaPtr, betaPtr, 0, rows);
}

export function f32_batchnorm_bwd_input(
  xPtr: usize,
  dyPtr: usize,
  dxPtr: usize,
  rows: i32,
  channels: i32,
  meanPtr: usize,
  invStdPtr: usize,
  gammaPtr: usize,
  dgammaPtr: usize,
  dbetaPtr: usize,
  rowsInAll: i32,
): void {
  map(Op.NormalizeBwd, xPtr, dyPtr, dxPtr, rows, channels, meanPtr, invStdPtr, gammaPtr, dbetaPtr, dgammaPtr, rowsInAll);
}
