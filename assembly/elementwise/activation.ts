/**
 * @file Activations and their derivatives, by number, as in src/kernels/elementwise/activations.ts. All are computed in
 * f64 and rounded once to f32.
 */
import { narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";
import { exp64, sigmoid64 } from "../shared/math";

const enum Fn {
  LeakyRelu,
  Elu,
  Gelu,
  GeluTanh,
  Silu,
  HardSwish,
  HardSigmoid,
}

// @ts-ignore: decorator
@inline
function real(x: f64): v128 {
  return f64x2.splat(x);
}

// @ts-ignore: decorator
@inline
function atLeast(x: v128, lo: f64): v128 {
  return f64x2.pmax(x, real(lo));
}

// @ts-ignore: decorator
@inline
function between(x: v128, lo: f64, hi: f64): v128 {
  return f64x2.pmin(f64x2.pmax(x, real(lo)), real(hi));
}

/** e^x − 1: near 0, where the difference cancels, four terms of its series, exact to x⁵/120. */
// @ts-ignore: decorator
@inline
function expm1(x: v128): v128 {
  let p = f64x2.add(f64x2.mul(x, real(1.0 / 24.0)), real(1.0 / 6.0));
  p = f64x2.add(f64x2.mul(p, x), real(0.5));
  p = f64x2.add(f64x2.mul(p, x), real(1));
  const far = f64x2.sub(exp64(x), real(1));
  return v128.bitselect(f64x2.mul(p, x), far, f64x2.lt(f64x2.abs(x), real(0.0009765625)));
}

/** Φ(−|x|) of the normal distribution from e = e^(−x²/2): ½·t·P(t)·e with t = 1/(1 + 0.3·|x|/√2). */
function tail(x: v128, e: v128): v128 {
  const z = f64x2.mul(f64x2.abs(x), real(0.7071067811865476));
  const t = f64x2.div(real(1), f64x2.add(f64x2.mul(z, real(0.3)), real(1)));
  let p = real(-0.023603834668504645);
  p = f64x2.add(f64x2.mul(p, t), real(0.1804783956432268));
  p = f64x2.add(f64x2.mul(p, t), real(-0.5659360516911688));
  p = f64x2.add(f64x2.mul(p, t), real(0.9416375203415177));
  p = f64x2.add(f64x2.mul(p, t), real(-0.986222324342982));
  p = f64x2.add(f64x2.mul(p, t), real(0.7978545517110062));
  p = f64x2.add(f64x2.mul(p, t), real(-0.33429578709122076));
  p = f64x2.add(f64x2.mul(p, t), real(0.2551203621167326));
  p = f64x2.add(f64x2.mul(p, t), real(0.08092776403748286));
  p = f64x2.add(f64x2.mul(p, t), real(0.1548988575979331));
  p = f64x2.add(f64x2.mul(p, t), real(0.16054585117978684));
  p = f64x2.add(f64x2.mul(p, t), real(0.1693407026902712));
  p = f64x2.add(f64x2.mul(p, t), real(0.16925399247869277));
  return f64x2.mul(f64x2.mul(f64x2.mul(real(0.5), t), p), e);
}

/** Φ(x), from e = e^(−x²/2). */
// @ts-ignore: decorator
@inline
function normal(x: v128, e: v128): v128 {
  const low = tail(x, e);
  return v128.bitselect(low, f64x2.sub(real(1), low), f64x2.lt(x, real(0)));
}

// @ts-ignore: decorator
@inline
function gaussian(x: v128): v128 {
  return exp64(f64x2.mul(real(-0.5), f64x2.mul(x, x)));
}

/** ½(1 + tanh(√(2/π)(x + 0.044715x³))), as a logistic function. */
// @ts-ignore: decorator
@inline
function normalByTanh(x: v128): v128 {
  const square = f64x2.mul(x, x);
  const u = f64x2.mul(real(1.5957691216057308), f64x2.add(x, f64x2.mul(f64x2.mul(real(0.044715), square), x)));
  return sigmoid64(u);
}

// @ts-ignore: decorator
@inline
function value(fn: Fn, x: v128, p: v128, q: v128): v128 {
  if (fn == Fn.LeakyRelu) return v128.bitselect(x, f64x2.mul(p, x), f64x2.gt(x, real(0)));
  if (fn == Fn.Elu) return f64x2.mul(q, v128.bitselect(x, f64x2.mul(p, expm1(x)), f64x2.gt(x, real(0))));
  if (fn == Fn.Gelu) return f64x2.mul(atLeast(x, -1000), normal(x, gaussian(x)));
  if (fn == Fn.GeluTanh) return f64x2.mul(atLeast(x, -1000), normalByTanh(x));
  if (fn == Fn.Silu) return f64x2.mul(atLeast(x, -1000), sigmoid64(x));
  if (fn == Fn.HardSwish) {
    return f64x2.div(f64x2.mul(atLeast(x, -3), between(f64x2.add(x, real(3)), 0, 6)), real(6));
  }
  return between(f64x2.add(f64x2.mul(p, x), q), 0, 1); // HardSigmoid
}

// @ts-ignore: decorator
@inline
function slope(fn: Fn, given: v128, p: v128, q: v128): v128 {
  const one = real(1);
  if (fn == Fn.LeakyRelu) return v128.bitselect(one, p, f64x2.gt(given, real(0)));
  if (fn == Fn.Elu) return f64x2.mul(q, v128.bitselect(one, f64x2.mul(p, exp64(given)), f64x2.gt(given, real(0))));
  if (fn == Fn.HardSwish) {
    const middle = f64x2.div(f64x2.add(f64x2.add(given, given), real(3)), real(6));
    const high = v128.bitselect(one, middle, f64x2.ge(given, real(3)));
    return v128.andnot(high, f64x2.le(given, real(-3)));
  }
  if (fn == Fn.HardSigmoid) {
    const y = f64x2.add(f64x2.mul(p, given), q);
    return v128.and(p, v128.and(f64x2.gt(y, real(0)), f64x2.lt(y, one)));
  }
  const x = between(given, -1000, 1000);
  if (fn == Fn.Gelu) {
    const e = gaussian(x);
    return f64x2.add(normal(x, e), f64x2.mul(x, f64x2.mul(e, real(0.3989422804014327))));
  }
  if (fn == Fn.GeluTanh) {
    const s = normalByTanh(x);
    const inner = f64x2.mul(
      real(1.5957691216057308),
      f64x2.add(one, f64x2.mul(real(0.134145), f64x2.mul(x, x))),
    );
    return f64x2.add(s, f64x2.mul(f64x2.mul(x, inner), f64x2.mul(s, f64x2.sub(one, s))));
  }
  const s = sigmoid64(x); // Silu
  return f64x2.mul(s, f64x2.add(one, f64x2.mul(x, f64x2.sub(one, s))));
}

// @ts-ignore: decorator
@inline
function valueLanes(fn: Fn, x: v128, p: v128, q: v128): v128 {
  return narrow(value(fn, widenLow(x), p, q), value(fn, widenHigh(x), p, q));
}

// @ts-ignore: decorator
@inline
function gradientLanes(fn: Fn, x: v128, dy: v128, p: v128, q: v128): v128 {
  return narrow(
    f64x2.mul(widenLow(dy), slope(fn, widenLow(x), p, q)),
    f64x2.mul(widenHigh(dy), slope(fn, widenHigh(x), p, q)),
  );
}

// @ts-ignore: decorator
@inline
function forward(fn: Fn, x: usize, out: usize, len: i32, p: v128, q: v128): void {
  for (let n = len; n > 0; n -= 4) {
    storeSome(out, valueLanes(fn, v128.load(x), p, q), n);
    x += 16;
    out += 16;
  }
}

// @ts-ignore: decorator
@inline
function backward(fn: Fn, x: usize, dy: usize, dx: usize, len: i32, p: v128, q: v128): void {
  for (let n = len; n > 0; n -= 4) {
    storeSome(dx, gradientLanes(fn, v128.load(x), v128.load(dy), p, q), n);
    x += 16;
    dy += 16;
    dx += 16;
  }
}

export function f32_activation(xPtr: usize, outPtr: usize, len: i32, fn: i32, alpha: f32, beta: f32): void {
  const p = f64x2.splat(<f64>alpha);
  const q = f64x2.splat(<f64>beta);
  if (fn == Fn.LeakyRelu) forward(Fn.LeakyRelu, xPtr, outPtr, len, p, q);
  else if (fn == Fn.Elu) forward(Fn.Elu, xPtr, outPtr, len, p, q);
  else if (fn == Fn.Gelu) forward(Fn.Gelu, xPtr, outPtr, len, p, q);
  else if (fn == Fn.GeluTanh) forward(Fn.GeluTanh, xPtr, outPtr, len, p, q);
  else if (fn == Fn.Silu) forward(Fn.Silu, xPtr, outPtr, len, p, q);
  else if (fn == Fn.HardSwish) forward(Fn.HardSwish, xPtr, outPtr, len, p, q);
  else if (fn == Fn.HardSigmoid) forward(Fn.HardSigmoid, xPtr, outPtr, len, p, q);
  else unreachable();
}

export function f32_activation_bwd(
  xPtr: usize,
  dyPtr: usize,
  dxPtr: usize,
  len: i32,
  fn: i32,
  alpha: f32,
  beta: f32,
): void {
  const p = f64x2.splat(<f64>alpha);
  const q = f64x2.splat(<f64>beta);
  if (fn == Fn.LeakyRelu) backward(Fn.LeakyRelu, xPtr, dyPtr, dxPtr, len, p, q);
  else if (fn == Fn.Elu) backward(Fn.Elu, xPtr, dyPtr, dxPtr, len, p, q);
  else if (fn == Fn.Gelu) backward(Fn.Gelu, xPtr, dyPtr, dxPtr, len, p, q);
  else if (fn == Fn.GeluTanh) backward(Fn.GeluTanh, xPtr, dyPtr, dxPtr, len, p, q);
  else if (fn == Fn.Silu) backward(Fn.Silu, xPtr, dyPtr, dxPtr, len, p, q);
  else if (fn == Fn.HardSwish) backward(Fn.HardSwish, xPtr, dyPtr, dxPtr, len, p, q);
  else if (fn == Fn.HardSigmoid) backward(Fn.HardSigmoid, xPtr, dyPtr, dxPtr, len, p, q);
  else unreachable();
}
