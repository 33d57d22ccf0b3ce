/**
 * @file The end of a residual block in one pass: scale, batch norm, the shortcut's value and the staircase, in
 * training's order.
 */
import { loadU8x4, packBytes, storeBytes } from "../shared/lanes";
import { codes4 } from "./staircase";

// @ts-ignore: decorator
@inline
function four(
  acc: usize,
  residual: usize,
  constants: usize,
  block: usize,
  coded: bool,
  step: v128,
  alpha: v128,
  top: v128,
  nearest: bool,
): v128 {
  let y = f32x4.convert_i32x4_s(v128.load(acc));
  y = f32x4.add(f32x4.mul(y, v128.load(constants)), v128.load(constants + block));
  const shift = constants + 2 * block;
  y = f32x4.add(f32x4.mul(y, v128.load(shift)), v128.load(shift + block));
  const r = coded ? f32x4.mul(f32x4.convert_i32x4_s(loadU8x4(residual)), step) : v128.load(residual);
  return codes4(f32x4.add(y, r), alpha, top, nearest);
}

// @ts-ignore: decorator
@inline
function residualCodes(
  acc: usize,
  residual: usize,
  codes: usize,
  rows: i32,
  channels: i32,
  constants: usize,
  coded: bool,
  step: v128,
  alpha: v128,
  top: v128,
  nearest: bool,
): void {
  const block = <usize>channels << 2;
  const size: usize = coded ? 1 : 4;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < channels; c += 4) {
      const at = <usize>c << 2;
      const word = four(
        acc + at,
        residual + <usize>c * size,
        constants + at,
        block,
        coded,
        step,
        alpha,
        top,
        nearest,
      );
      storeBytes(codes + <usize>c, packBytes(word), channels - c);
    }
    acc += block;
    codes += <usize>channels;
    residual += <usize>channels * size;
  }
}

export function i32_residual_codes(
  accPtr: usize,
  residualPtr: usize,
  codesPtr: usize,
  rows: i32,
  channels: i32,
  constantsPtr: usize,
  residualStep: f32,
  alpha: f32,
  top: i32,
  nearest: i32,
): void {
  const step = f32x4.splat(residualStep);
  const a = f32x4.splat(alpha);
  const t = f32x4.splat(<f32>top);
  const coded = residualStep != 0;
  if (coded && nearest) residualCodes(accPtr, residualPtr, codesPtr, rows, channels, constantsPtr, true, step, a, t, true);
  else if (coded) residualCodes(accPtr, residualPtr, codesPtr, rows, channels, constantsPtr, true, step, a, t, false);
  else if (nearest) residualCodes(accPtr, residualPtr, codesPtr, rows, channels, constantsPtr, false, step, a, t, true);
  else residualCodes(accPtr, residualPtr, codesPtr, rows, channels, constantsPtr, false, step, a, t, false);
}
