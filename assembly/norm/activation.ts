/**
 * @file Batch normalization together with the activation behind it (and a shortcut added between them): chunks of rows
 * go through all steps while they are in the first-level cache, so that what lies between the steps is never written to
 * memory. Values are those of the single kernels, bit for bit.
 */
import { f32_relu } from "../elementwise/unary";
import { sumBytes } from "./gradients";
import { addShortcut, chunkBytes, chunkRows, normalize, withShortcut } from "./steps";
import { codes4, f32_staircase } from "../staircase/staircase";

export function f32_batchnorm_work(channels: i32): i32 {
  return chunkBytes(channels) + 4 * sumBytes(channels);
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

/** Four pre-activations; `norm` points at their means. */
// @ts-ignore: decorator
@inline
function normalized(x: v128, norm: usize, row: usize): v128 {
  const xhat = f32x4.mul(f32x4.sub(x, v128.load(norm)), v128.load(norm + row));
  return f32x4.add(f32x4.mul(xhat, v128.load(norm + 2 * row)), v128.load(norm + 3 * row));
}

/** Rows of a multiple of 16 channels in one pass, constants from the first-level cache. */
// @ts-ignore: decorator
@inline
function codeRows(
  kind: i32,
  x: usize,
  shortcut: usize,
  step: v128,
  codes: usize,
  rows: i32,
  channels: i32,
  norm: usize,
  a: v128,
  t: v128,
  nearest: bool,
): void {
  const row = <usize>channels << 2;
  for (let r = 0; r < rows; r++) {
    for (let c: usize = 0; c < <usize>channels; c += 16) {
      const from = norm + (c << 2);
      const z0 = withShortcut(kind, normalized(v128.load(x), from, row), shortcut, 0, step);
      const z1 = withShortcut(kind, normalized(v128.load(x, 16), from + 16, row), shortcut, 4, step);
      const low = i16x8.narrow_i32x4_s(codes4(z0, a, t, nearest), codes4(z1, a, t, nearest));
      const z2 = withShortcut(kind, normalized(v128.load(x, 32), from + 32, row), shortcut, 8, step);
      const z3 = withShortcut(kind, normalized(v128.load(x, 48), from + 48, row), shortcut, 12, step);
      const high = i16x8.narrow_i32x4_s(codes4(z2, a, t, nearest), codes4(z3, a, t, nearest));
      v128.store(codes, i8x16.narrow_i16x8_u(low, high));
      x += 64;
      codes += 16;
      if (kind == 1) shortcut += 64;
      else if (kind == 2) shortcut += 16;
    }
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
  if ((channels & 15) == 0 && nearest == 0) {
    const s = f32x4.splat(step);
    const a = f32x4.splat(alpha);
    const t = f32x4.splat(<f32>top);
    if (shortcutPtr == 0) codeRows(0, xPtr, 0, s, codesPtr, rows, channels, normPtr, a, t, false);
    else if (step == 0) codeRows(1, xPtr, shortcutPtr, s, codesPtr, rows, channels, normPtr, a, t, false);
    else codeRows(2, xPtr, shortcutPtr, s, codesPtr, rows, channels, normPtr, a, t, false);
    return;
  }
  const chunk = chunkRows(channels);
  for (let row = 0; row < rows; row += chunk) {
    const at = row * channels;
    const n = min(chunk, rows - row);
    normalize(xPtr + (<usize>at << 2), workPtr, n, channels, normPtr);
    addShortcut(workPtr, shortcutPtr, step, at, n * channels);
    f32_staircase(workPtr, codesPtr + <usize>at, n * channels, alpha, top, nearest);
  }
}
