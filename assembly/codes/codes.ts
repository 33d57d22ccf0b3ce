/** @file Integer codes of weights (BCGD §2): sign, ternary, uniform; and sums over codes. */
import { addLanes, loadI8x4, packBytes, storeBytes } from "../shared/lanes";

const enum Op {
  Sign,
  Ternary,
  Uniform,
}

/** Four codes as i32 lanes; p is the threshold or the step, q the largest code. */
// @ts-ignore: decorator
@inline
function codes4(op: Op, x: v128, p: v128, q: v128): v128 {
  const zero = f32x4.splat(0);
  if (op == Op.Sign) {
    // All bits is −1: (mask & 2) − 1 is +1 or −1.
    return i32x4.sub(v128.and(f32x4.ge(x, zero), i32x4.splat(2)), i32x4.splat(1));
  }
  if (op == Op.Ternary) {
    const sign = i32x4.sub(f32x4.lt(x, zero), f32x4.gt(x, zero));
    return v128.and(sign, f32x4.gt(f32x4.abs(x), p));
  }
  // Half away from zero: trunc, then one step more if the rest is ½ or above. Exact, unlike trunc(x ± ½).
  const quotient = f32x4.div(x, p);
  const whole = f32x4.trunc(quotient);
  const unit = v128.or(v128.and(quotient, f32x4.splat(-0.0)), f32x4.splat(1));
  const far = f32x4.ge(f32x4.abs(f32x4.sub(quotient, whole)), f32x4.splat(0.5));
  let code = f32x4.add(whole, v128.and(unit, far));
  code = v128.and(code, f32x4.eq(quotient, quotient)); // 0 for NaN
  code = f32x4.pmax(f32x4.pmin(code, q), f32x4.neg(q));
  // 1.5·2^23 plus a small integer has it in its low bits.
  return i32x4.sub(f32x4.add(code, f32x4.splat(12582912)), i32x4.splat(0x4b400000));
}

/** Writes codes; returns how many changed if `count`. */
// @ts-ignore: decorator
@inline
function encode(op: Op, x: usize, codes: usize, len: i32, p: v128, q: v128, count: bool): i32 {
  let changed = 0;
  let n = len;
  while (n >= 16) {
    const low = i16x8.narrow_i32x4_s(codes4(op, v128.load(x), p, q), codes4(op, v128.load(x, 16), p, q));
    const high = i16x8.narrow_i32x4_s(codes4(op, v128.load(x, 32), p, q), codes4(op, v128.load(x, 48), p, q));
    const fresh = i8x16.narrow_i16x8_s(low, high);
    if (count) changed += popcnt(i8x16.bitmask(i8x16.ne(fresh, v128.load(codes))));
    v128.store(codes, fresh);
    x += 64;
    codes += 16;
    n -= 16;
  }
  while (n > 0) {
    const fresh = codes4(op, v128.load(x), p, q);
    if (count) {
      const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
      changed += popcnt(i32x4.bitmask(v128.and(i32x4.ne(fresh, loadI8x4(codes)), inside)));
    }
    storeBytes(codes, packBytes(fresh), n);
    x += 16;
    codes += 4;
    n -= 4;
  }
  return changed;
}

export function f32_sign_codes(xPtr: usize, codesPtr: usize, len: i32): void {
  encode(Op.Sign, xPtr, codesPtr, len, f32x4.splat(0), f32x4.splat(0), false);
}

export function f32_ternary_codes(xPtr: usize, codesPtr: usize, len: i32, threshold: f32): void {
  encode(Op.Ternary, xPtr, codesPtr, len, f32x4.splat(threshold), f32x4.splat(0), false);
}

export function f32_uniform_codes(xPtr: usize, codesPtr: usize, len: i32, delta: f32, top: i32): f64 {
  return <f64>encode(Op.Uniform, xPtr, codesPtr, len, f32x4.splat(delta), f32x4.splat(<f32>top), true);
}

export function i8_dot_f32(codesPtr: usize, xPtr: usize, len: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (let n = len; n > 0; n -= 4) {
    const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
    const code = loadI8x4(codesPtr);
    const x = v128.and(v128.load(xPtr), inside);
    const high = v128.shuffle<i32>(code, code, 2, 3, 2, 3);
    s0 = f64x2.add(s0, f64x2.mul(f64x2.convert_low_i32x4_s(code), f64x2.promote_low_f32x4(x)));
    s1 = f64x2.add(
      s1,
      f64x2.mul(f64x2.convert_low_i32x4_s(high), f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3))),
    );
    codesPtr += 4;
    xPtr += 16;
  }
  return addLanes(f64x2.add(s0, s1));
}

export function i8_sum_squares(codesPtr: usize, len: i32): f64 {
  let total: i64 = 0;
  let n = len;
  while (n >= 16) {
    // A lane gains at most 4·128² = 2^16 a turn: 2^14 turns stay below 2^31.
    let turns = min(n >> 4, 16384);
    n -= turns << 4;
    let s = i32x4.splat(0);
    while (turns > 0) {
      const code = v128.load(codesPtr);
      const low = i16x8.extend_low_i8x16_s(code);
      const high = i16x8.extend_high_i8x16_s(code);
      s = i32x4.add(s, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
      codesPtr += 16;
      turns--;
    }
    total += <i64>i32x4.extract_lane(s, 0) + <i64>i32x4.extract_lane(s, 1);
    total += <i64>i32x4.extract_lane(s, 2) + <i64>i32x4.extract_lane(s, 3);
  }
  while (n > 0) {
    const code = <i32>load<i8>(codesPtr);
    total += <i64>(code * code);
    codesPtr++;
    n--;
  }
  return <f64>total;
}

export function i8_count_different(aPtr: usize, bPtr: usize, len: i32): f64 {
  let count = 0;
  let n = len;
  while (n >= 16) {
    count += popcnt(i8x16.bitmask(i8x16.ne(v128.load(aPtr), v128.load(bPtr))));
    aPtr += 16;
    bPtr += 16;
    n -= 16;
  }
  while (n > 0) {
    if (load<i8>(aPtr) != load<i8>(bPtr)) count++;
    aPtr++;
    bPtr++;
    n--;
  }
  return <f64>count;
}
