/** @file The activation staircase, its coarse derivatives (BCGD §3), and histograms of codes. */
import { addLanes, loadU8x4, packBytes, storeBytes, storeSome, widenHigh, widenLow } from "../shared/lanes";
import { SUM_BLOCK } from "../../src/kernels/reduce/sizes";

/** Derivatives in x, by number. */
export const enum Proxy {
  ClippedRelu,
  Relu,
  Identity,
  Count,
}

/** Rules of the derivative in α, by number. */
export const enum AlphaRule {
  ThreeValued,
  AlmostEverywhere,
  Pact,
  Count,
}

/** Four codes as i32 lanes. True division: a product with 1/alpha would move exact multiples to the next step. */
// @ts-ignore: decorator
@inline
export function codes4(x: v128, alpha: v128, top: v128, nearest: bool): v128 {
  const quotient = f32x4.div(x, alpha);
  // pmin gives top where the quotient is larger or NaN; NaN and x ≤ 0 are masked to 0.
  const code = f32x4.pmin(top, nearest ? f32x4.nearest(quotient) : f32x4.ceil(quotient));
  const positive = v128.and(code, f32x4.gt(x, f32x4.splat(0)));
  // 0 … 255 plus 2^23 has the code in its low byte: two instructions where trunc_sat is eight.
  return v128.and(f32x4.add(positive, f32x4.splat(8388608)), i32x4.splat(255));
}

// @ts-ignore: decorator
@inline
function staircase(x: usize, codes: usize, len: i32, a: v128, t: v128, nearest: bool): void {
  let n = len;
  while (n >= 16) {
    const low = i16x8.narrow_i32x4_s(codes4(v128.load(x), a, t, nearest), codes4(v128.load(x, 16), a, t, nearest));
    const high = i16x8.narrow_i32x4_s(
      codes4(v128.load(x, 32), a, t, nearest),
      codes4(v128.load(x, 48), a, t, nearest),
    );
    v128.store(codes, i8x16.narrow_i16x8_u(low, high));
    x += 64;
    codes += 16;
    n -= 16;
  }
  while (n > 0) {
    storeBytes(codes, packBytes(codes4(v128.load(x), a, t, nearest)), n);
    x += 16;
    codes += 4;
    n -= 4;
  }
}

export function f32_staircase(xPtr: usize, codesPtr: usize, len: i32, alpha: f32, top: i32, nearest: i32): void {
  const a = f32x4.splat(alpha);
  const t = f32x4.splat(<f32>top);
  if (nearest) staircase(xPtr, codesPtr, len, a, t, true);
  else staircase(xPtr, codesPtr, len, a, t, false);
}

/** dy where the proxy passes it. */
// @ts-ignore: decorator
@inline
function masked(x: v128, dy: v128, limit: v128, noLimit: v128, always: v128): v128 {
  const below = v128.or(f32x4.le(x, limit), noLimit);
  return v128.and(dy, v128.or(v128.and(f32x4.gt(x, f32x4.splat(0)), below), always));
}

export function f32_staircase_bwd(
  xPtr: usize,
  dyPtr: usize,
  dxPtr: usize,
  len: i32,
  alpha: f32,
  top: i32,
  proxy: i32,
): void {
  if (<u32>proxy >= <u32>Proxy.Count) unreachable();
  // The identity passes everything, NaN too.
  const always = i32x4.splat(proxy == Proxy.Identity ? -1 : 0);
  const noLimit = i32x4.splat(proxy == Proxy.Relu ? -1 : 0);
  const limit = f32x4.splat(alpha * <f32>top);
  let n = len;
  for (; n >= 4; n -= 4) {
    v128.store(dxPtr, masked(v128.load(xPtr), v128.load(dyPtr), limit, noLimit, always));
    xPtr += 16;
    dyPtr += 16;
    dxPtr += 16;
  }
  if (n > 0) storeSome(dxPtr, masked(v128.load(xPtr), v128.load(dyPtr), limit, noLimit, always), n);
}

/** ∂σ/∂α of four elements. */
// @ts-ignore: decorator
@inline
function alphaRule(x: v128, codes: usize, limit: v128, top: v128, middle: v128, useCodes: bool): v128 {
  if (useCodes) return f32x4.convert_i32x4_s(loadU8x4(codes));
  const positive = v128.and(middle, f32x4.gt(x, f32x4.splat(0)));
  return v128.bitselect(top, positive, f32x4.gt(x, limit));
}

/** dy where its factor is not 0: ∞·0 of an element that α does not move would be NaN. */
// @ts-ignore: decorator
@inline
function moved(dy: v128, weight: v128): v128 {
  return v128.and(dy, f32x4.ne(weight, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function alphaGradient(
  x: usize,
  codes: usize,
  dy: usize,
  len: i32,
  limit: v128,
  top: v128,
  middle: v128,
  useCodes: bool,
): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let n = len;
  while (n >= 4) {
    const weight = alphaRule(v128.load(x), codes, limit, top, middle, useCodes);
    const g = moved(v128.load(dy), weight);
    s0 = f64x2.add(s0, f64x2.mul(widenLow(g), widenLow(weight)));
    s1 = f64x2.add(s1, f64x2.mul(widenHigh(g), widenHigh(weight)));
    x += 16;
    codes += 4;
    dy += 16;
    n -= 4;
  }
  if (n > 0) {
    const weight = alphaRule(v128.load(x), codes, limit, top, middle, useCodes);
    // What is read past the end counts for nothing, not even as 0·NaN.
    const g = v128.and(moved(v128.load(dy), weight), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n)));
    s0 = f64x2.add(s0, f64x2.mul(widenLow(g), widenLow(weight)));
    s1 = f64x2.add(s1, f64x2.mul(widenHigh(g), widenHigh(weight)));
  }
  return addLanes(f64x2.add(s0, s1));
}

export function f32_staircase_dalpha(
  xPtr: usize,
  codesPtr: usize,
  dyPtr: usize,
  len: i32,
  alpha: f32,
  top: i32,
  rule: i32,
): f64 {
  const limit = f32x4.splat(alpha * <f32>top);
  const t = f32x4.splat(<f32>top);
  if (<u32>rule >= <u32>AlphaRule.Count) unreachable();
  const middle = f32x4.splat(rule == AlphaRule.ThreeValued ? <f32>(top + 1) * 0.5 : 0); // three-valued: 2^(bits−1)
  let sum: f64 = 0;
  for (let left = len; left > 0; left -= SUM_BLOCK) {
    const n = min(left, SUM_BLOCK);
    if (rule == AlphaRule.AlmostEverywhere) sum += alphaGradient(xPtr, codesPtr, dyPtr, n, limit, t, middle, true);
    else sum += alphaGradient(xPtr, codesPtr, dyPtr, n, limit, t, middle, false);
    xPtr += SUM_BLOCK << 2;
    codesPtr += SUM_BLOCK;
    dyPtr += SUM_BLOCK << 2;
  }
  return sum;
}

export function u8_histogram(codesPtr: usize, len: i32, countsPtr: usize): void {
  for (let i = 0; i < len; i++) {
    const at = countsPtr + (<usize>load<u8>(codesPtr + <usize>i) << 2);
    store<i32>(at, load<i32>(at) + 1);
  }
}
