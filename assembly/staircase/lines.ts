/**
 * @file Codes of integer sums by one straight line per channel: where it is known to cross the thresholds in the right
 * places.
 */
import { storeBytes } from "../shared/lanes";

/** Codes of four channels in the low bytes of lanes whose other bytes are those of 1.5·2^23. */
// @ts-ignore: decorator
@inline
function line(acc: usize, scale: usize, shift: usize, top: v128): v128 {
  const y = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(v128.load(acc)), v128.load(scale)), v128.load(shift));
  return f32x4.add(f32x4.pmin(f32x4.pmax(y, f32x4.splat(0)), top), f32x4.splat(12582912));
}

export function i32_line_codes(
  accPtr: usize,
  codesPtr: usize,
  rows: i32,
  channels: i32,
  scalePtr: usize,
  shiftPtr: usize,
  top: i32,
): void {
  const limit = f32x4.splat(<f32>top);
  const low = i32x4.splat(255);
  for (let r = 0; r < rows; r++) {
    let c = 0;
    for (; c + 16 <= channels; c += 16) {
      const at = <usize>c << 2;
      const acc = accPtr + at;
      const scale = scalePtr + at;
      const shift = shiftPtr + at;
      const a = v128.and(line(acc, scale, shift, limit), low);
      const b = v128.and(line(acc + 16, scale + 16, shift + 16, limit), low);
      const d = v128.and(line(acc + 32, scale + 32, shift + 32, limit), low);
      const e = v128.and(line(acc + 48, scale + 48, shift + 48, limit), low);
      const codes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(d, e));
      v128.store(codesPtr + <usize>c, codes);
    }
    for (; c < channels; c += 4) {
      const at = <usize>c << 2;
      const a = v128.and(line(accPtr + at, scalePtr + at, shiftPtr + at, limit), low);
      const pairs = i16x8.narrow_i32x4_s(a, a);
      storeBytes(codesPtr + <usize>c, i32x4.extract_lane(i8x16.narrow_i16x8_u(pairs, pairs), 0), channels - c);
    }
    accPtr += <usize>channels << 2;
    codesPtr += <usize>channels;
  }
}
