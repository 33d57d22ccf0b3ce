/**
 * @file exp, log, tanh, sigmoid and pow. Computed in f64 (two lanes) and rounded once to f32, so the f32 error is
 * hardly above ½ ulp.
 *
 * exp: x = n·ln 2 + r, |r| ≤ ½ ln 2, Taylor series to r^11 (relative error 1e-14), exponent bits added.
 * log: x = 2^k·m, √½ ≤ m < √2, log m = 2 artanh s with s = (m−1)/(m+1), series to s^17 (relative error 1e-15).
 */
import { narrow, widenHigh, widenLow } from "./lanes";

const LN2_HIGH: f64 = 0.6931471805598903; // 42 bits: n·LN2_HIGH is exact
const LN2_LOW: f64 = 5.4979230187083712e-14;
const ROUNDER: f64 = 6755399441055744.0; // 2^52 + 2^51: its sum with an integer has that integer in the low bits

/** e^x of two f64; x beyond ±150 is taken as ±150 (far outside the f32 range). NaN gives NaN. */
export function exp64(x: v128): v128 {
  // pmin and pmax keep their first operand where the other is not smaller or larger: NaN stays.
  const c = f64x2.pmin(f64x2.pmax(x, f64x2.splat(-150)), f64x2.splat(150));
  const n = f64x2.nearest(f64x2.mul(c, f64x2.splat(1.4426950408889634)));
  const r = f64x2.sub(f64x2.sub(c, f64x2.mul(n, f64x2.splat(LN2_HIGH))), f64x2.mul(n, f64x2.splat(LN2_LOW)));
  let p = f64x2.splat(1.0 / 39916800.0);
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 3628800.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 362880.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 40320.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 5040.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 720.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 120.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 24.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 6.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(0.5));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  return i64x2.add(p, i64x2.shl(f64x2.add(n, f64x2.splat(ROUNDER)), 52));
}

/** log x of two f64 that are normal, 0, infinite or NaN (every f32 is, once widened). */
export function log64(x: v128): v128 {
  const k = i64x2.shr_s(i64x2.sub(x, i64x2.splat(0x3fe6a09e667f3bcd)), 52); // bits of √½
  const m = i64x2.sub(x, i64x2.shl(k, 52));
  const kReal = f64x2.sub(i64x2.add(k, i64x2.splat(0x4338000000000000)), f64x2.splat(ROUNDER));
  const s = f64x2.div(f64x2.sub(m, f64x2.splat(1)), f64x2.add(m, f64x2.splat(1)));
  const z = f64x2.mul(s, s);
  let p = f64x2.splat(2.0 / 17.0);
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2.0 / 15.0));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2.0 / 13.0));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2.0 / 11.0));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2.0 / 9.0));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2.0 / 7.0));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2.0 / 5.0));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2.0 / 3.0));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(2));
  let y = f64x2.add(f64x2.mul(kReal, f64x2.splat(0.6931471805599453)), f64x2.mul(s, p));
  y = v128.bitselect(f64x2.splat(-Infinity), y, f64x2.eq(x, f64x2.splat(0)));
  y = v128.bitselect(f64x2.splat(NaN), y, f64x2.lt(x, f64x2.splat(0)));
  // +∞ and NaN are their own logarithms: x is not below ∞.
  return v128.bitselect(y, x, f64x2.lt(x, f64x2.splat(Infinity)));
}

// @ts-ignore: decorator
@inline
function tanh64(x: v128): v128 {
  const one = f64x2.splat(1);
  const magnitude = f64x2.abs(x);
  const e = exp64(f64x2.add(magnitude, magnitude));
  const far = f64x2.sub(one, f64x2.div(f64x2.splat(2), f64x2.add(e, one)));
  const signed = v128.or(far, v128.and(x, f64x2.splat(-0.0)));
  // Below 2^-10 the difference above cancels; x − x³/3 is exact to 2x⁵/15.
  const near = f64x2.mul(x, f64x2.sub(one, f64x2.mul(f64x2.mul(x, x), f64x2.splat(1.0 / 3.0))));
  return v128.bitselect(near, signed, f64x2.lt(magnitude, f64x2.splat(0.0009765625)));
}

// @ts-ignore: decorator
@inline
export function sigmoid64(x: v128): v128 {
  const one = f64x2.splat(1);
  return f64x2.div(one, f64x2.add(one, exp64(f64x2.neg(x))));
}

/** e^x of four f32. */
export function expLanes(x: v128): v128 {
  return narrow(exp64(widenLow(x)), exp64(widenHigh(x)));
}

/** log x of four f32. */
export function logLanes(x: v128): v128 {
  return narrow(log64(widenLow(x)), log64(widenHigh(x)));
}

/** tanh x of four f32. */
export function tanhLanes(x: v128): v128 {
  return narrow(tanh64(widenLow(x)), tanh64(widenHigh(x)));
}

/** 1/(1 + e^−x) of four f32. */
export function sigmoidLanes(x: v128): v128 {
  return narrow(sigmoid64(widenLow(x)), sigmoid64(widenHigh(x)));
}

/** a^b, with the special cases of src/core/math.ts (ECMAScript's `**`). */
function powOne(a: f32, b: f32): f32 {
  if (b == 0) return 1;
  if (a != a || b != b) return f32.NaN;
  const magnitude = abs(a);
  if (abs(b) == Infinity) {
    if (magnitude == 1) return f32.NaN;
    return magnitude > 1 == b > 0 ? f32.POSITIVE_INFINITY : 0;
  }
  const negative = reinterpret<i32>(a) < 0;
  const whole = floor(b) == b;
  const odd = whole && abs(b) < 16777216 && floor(b * 0.5) * 2 != b;
  const sign: f32 = negative && odd ? -1 : 1;
  if (magnitude == 0 || magnitude == Infinity) {
    return sign * ((magnitude == 0) == b < 0 ? f32.POSITIVE_INFINITY : <f32>0);
  }
  if (negative && !whole) return f32.NaN;
  if (magnitude == 1) return sign;
  const y = f64x2.mul(f64x2.splat(<f64>b), log64(f64x2.splat(<f64>magnitude)));
  return sign * <f32>f64x2.extract_lane(exp64(y), 0);
}

/** a^b of four f32. */
export function powLanes(a: v128, b: v128): v128 {
  return f32x4(
    powOne(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)),
    powOne(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)),
    powOne(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)),
    powOne(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)),
  );
}

/** log x of one f64 that stands for a sum of f32, rounded to f32. */
export function logOfSum(x: f64): f32 {
  return <f32>f64x2.extract_lane(log64(f64x2.splat(x)), 0);
}
