/** @file Steps that the kernels of batch norm with activation share: chunks of rows, normalization, shortcuts. */
import { f32_batchnorm } from "./channel";
import { loadU8x4, storeSome } from "../shared/lanes";

/** Elements of a chunk: half of the first-level cache holds what is read and what is made. */
const CHUNK: i32 = 2048;

// @ts-ignore: decorator
@inline
export function chunkRows(channels: i32): i32 {
  return max(1, CHUNK / channels);
}

/** Bytes of a chunk, and of what is read past its end. */
// @ts-ignore: decorator
@inline
export function chunkBytes(channels: i32): i32 {
  return (chunkRows(channels) * channels * 4 + 79) & ~63;
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
export function addShortcut(y: usize, shortcut: usize, step: f32, at: i32, len: i32): void {
  if (shortcut == 0) return;
  if (step == 0) addReal(y, shortcut + (<usize>at << 2), len);
  else addCodes(y, shortcut + <usize>at, step, len);
}

/** `normPtr`: rows mean, invStd, γ, β of [4, channels]. */
// @ts-ignore: decorator
@inline
export function normalize(x: usize, y: usize, rows: i32, channels: i32, normPtr: usize): void {
  const step = <usize>channels << 2;
  f32_batchnorm(x, y, rows, channels, normPtr, normPtr + step, normPtr + 2 * step, normPtr + 3 * step);
}

/** Elements `at` … `at` + 3 of a shortcut of a kind (0 none, 1 reals, 2 codes) added to four pre-activations. */
// @ts-ignore: decorator
@inline
export function withShortcut(kind: i32, z: v128, shortcut: usize, at: usize, step: v128): v128 {
  if (kind == 0) return z;
  if (kind == 1) return f32x4.add(z, v128.load(shortcut + (at << 2)));
  return f32x4.add(z, f32x4.mul(f32x4.convert_i32x4_s(loadU8x4(shortcut + at)), step));
}
