/**
 * @file Kernels of one or two dense real arrays and scalars. Four lanes at a time; the tail is computed in full and
 * stored in part.
 */
import { loadU8x4, storeSome } from "../shared/lanes";
import { expLanes, logLanes, sigmoidLanes, tanhLanes } from "../shared/math";

const enum Op {
  Neg,
  Abs,
  Sign,
  Floor,
  Ceil,
  Round,
  Sqrt,
  Exp,
  Log,
  Tanh,
  Sigmoid,
  Relu,
  Clip,
  ScaleShift,
  ReluBwd,
  ClipBwd,
  Axpy,
  MaskScale,
}

// @ts-ignore: decorator
@inline
function apply1(op: Op, x: v128, p: v128, q: v128): v128 {
  if (op == Op.Neg) return f32x4.neg(x);
  if (op == Op.Abs) return f32x4.abs(x);
  if (op == Op.Sign) {
    // ±1 with x's sign where x is neither 0 nor NaN, else x itself.
    const unit = v128.or(v128.and(x, f32x4.splat(-0.0)), f32x4.splat(1));
    return v128.bitselect(unit, x, f32x4.gt(f32x4.abs(x), f32x4.splat(0)));
  }
  if (op == Op.Floor) return f32x4.floor(x);
  if (op == Op.Ceil) return f32x4.ceil(x);
  if (op == Op.Round) return f32x4.nearest(x);
  if (op == Op.Sqrt) return f32x4.sqrt(x);
  if (op == Op.Exp) return expLanes(x);
  if (op == Op.Log) return logLanes(x);
  if (op == Op.Tanh) return tanhLanes(x);
  if (op == Op.Sigmoid) return sigmoidLanes(x);
  // x ≤ 0 is false for NaN, which so passes; −0 becomes +0.
  if (op == Op.Relu) return v128.andnot(x, f32x4.le(x, f32x4.splat(0)));
  if (op == Op.Clip) return f32x4.pmin(f32x4.pmax(x, p), q);
  return f32x4.add(f32x4.mul(x, p), q); // ScaleShift
}

// @ts-ignore: decorator
@inline
function map1(op: Op, x: usize, out: usize, len: i32, p: v128, q: v128): void {
  let n = len;
  while (n >= 4) {
    v128.store(out, apply1(op, v128.load(x), p, q));
    x += 16;
    out += 16;
    n -= 4;
  }
  if (n > 0) storeSome(out, apply1(op, v128.load(x), p, q), n);
}

// @ts-ignore: decorator
@inline
function plain1(op: Op, x: usize, out: usize, len: i32): void {
  map1(op, x, out, len, i32x4.splat(0), i32x4.splat(0));
}

// @ts-ignore: decorator
@inline
function apply2(op: Op, x: v128, y: v128, p: v128, q: v128): v128 {
  if (op == Op.ReluBwd) return v128.and(y, f32x4.gt(x, f32x4.splat(0)));
  if (op == Op.ClipBwd) return v128.and(y, v128.and(f32x4.ge(x, p), f32x4.le(x, q)));
  return f32x4.add(y, f32x4.mul(p, x)); // Axpy
}

// @ts-ignore: decorator
@inline
function map2(op: Op, x: usize, y: usize, out: usize, len: i32, p: v128, q: v128): void {
  let n = len;
  while (n >= 4) {
    v128.store(out, apply2(op, v128.load(x), v128.load(y), p, q));
    x += 16;
    y += 16;
    out += 16;
    n -= 4;
  }
  if (n > 0) storeSome(out, apply2(op, v128.load(x), v128.load(y), p, q), n);
}

export function f32_neg(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Neg, xPtr, outPtr, len);
}
export function f32_abs(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Abs, xPtr, outPtr, len);
}
export function f32_sign(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Sign, xPtr, outPtr, len);
}
export function f32_floor(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Floor, xPtr, outPtr, len);
}
export function f32_ceil(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Ceil, xPtr, outPtr, len);
}
export function f32_round(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Round, xPtr, outPtr, len);
}
export function f32_sqrt(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Sqrt, xPtr, outPtr, len);
}
export function f32_exp(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Exp, xPtr, outPtr, len);
}
export function f32_log(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Log, xPtr, outPtr, len);
}
export function f32_tanh(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Tanh, xPtr, outPtr, len);
}
export function f32_sigmoid(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Sigmoid, xPtr, outPtr, len);
}
export function f32_relu(xPtr: usize, outPtr: usize, len: i32): void {
  plain1(Op.Relu, xPtr, outPtr, len);
}
export function f32_clip(xPtr: usize, outPtr: usize, len: i32, lo: f32, hi: f32): void {
  map1(Op.Clip, xPtr, outPtr, len, f32x4.splat(lo), f32x4.splat(hi));
}
export function f32_scale_shift(xPtr: usize, outPtr: usize, len: i32, scale: f32, shift: f32): void {
  map1(Op.ScaleShift, xPtr, outPtr, len, f32x4.splat(scale), f32x4.splat(shift));
}
export function f32_relu_bwd(xPtr: usize, dyPtr: usize, dxPtr: usize, len: i32): void {
  map2(Op.ReluBwd, xPtr, dyPtr, dxPtr, len, i32x4.splat(0), i32x4.splat(0));
}
export function f32_clip_bwd(xPtr: usize, dyPtr: usize, dxPtr: usize, len: i32, lo: f32, hi: f32): void {
  map2(Op.ClipBwd, xPtr, dyPtr, dxPtr, len, f32x4.splat(lo), f32x4.splat(hi));
}
export function f32_axpy(xPtr: usize, yPtr: usize, len: i32, a: f32): void {
  map2(Op.Axpy, xPtr, yPtr, yPtr, len, f32x4.splat(a), i32x4.splat(0));
}

export function f32_where(condPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize, len: i32): void {
  for (let n = len; n > 0; n -= 4) {
    const chosen = i32x4.ne(loadU8x4(condPtr), i32x4.splat(0));
    storeSome(outPtr, v128.bitselect(v128.load(aPtr), v128.load(bPtr), chosen), n);
    condPtr += 4;
    aPtr += 16;
    bPtr += 16;
    outPtr += 16;
  }
}

export function f32_mask_scale(xPtr: usize, maskPtr: usize, outPtr: usize, len: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (let n = len; n > 0; n -= 4) {
    // A product with 0 would make NaN of what was not chosen: it is left out.
    const skipped = i32x4.eq(loadU8x4(maskPtr), i32x4.splat(0));
    storeSome(outPtr, v128.andnot(f32x4.mul(v128.load(xPtr), factor), skipped), n);
    maskPtr += 4;
    xPtr += 16;
    outPtr += 16;
  }
}
