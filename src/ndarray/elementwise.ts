/** @file Elementwise arithmetic over arrays: unary, binary with broadcasting, comparison, selection. */
import { broadcastShapes, type Shape, sameShape, sizeOf } from "../core/shape.js";
import { kernelsFor } from "../kernels/engine.js";
import { convert, floatTypeOf } from "./convert.js";
import { broadcastTo } from "./movement.js";
import { NDArray } from "./ndarray.js";

/** Kernels of one real operand. */
export type UnaryKernel =
  | "f32_neg"
  | "f32_abs"
  | "f32_sign"
  | "f32_floor"
  | "f32_ceil"
  | "f32_round"
  | "f32_sqrt"
  | "f32_exp"
  | "f32_log"
  | "f32_tanh"
  | "f32_sigmoid"
  | "f32_relu";
/** Kernels of two real operands. */
export type BinaryKernel = "f32_add" | "f32_sub" | "f32_mul" | "f32_div" | "f32_pow" | "f32_maximum" | "f32_minimum";
/** Kernels that compare two real operands. */
export type CompareKernel = "f32_eq" | "f32_ne" | "f32_lt" | "f32_le" | "f32_gt" | "f32_ge";

/** out[i] = f(x[i]). @throws DTypeError unless x is real */
export function unary(kernel: UnaryKernel, x: NDArray): NDArray {
  const dtype = floatTypeOf(kernel.slice(4), x);
  const out = NDArray.empty(x.shape, dtype);
  kernelsFor(dtype)[kernel](x.ptr, out.ptr, x.size);
  return out;
}

/** The operand as a kernel can take it: as it is if its extents, without leading ones, end `shape`; else expanded. */
function suffix(x: NDArray, shape: Shape): NDArray {
  const first = x.shape.findIndex((extent) => extent !== 1);
  const own = first < 0 ? [] : x.shape.slice(first);
  const fits = own.length <= shape.length && own.every((extent, i) => extent === shape[shape.length - own.length + i]);
  return fits ? x : broadcastTo(x, shape);
}

function run(kernel: BinaryKernel | CompareKernel, a: NDArray, b: NDArray, out: NDArray): NDArray {
  if (out.size === 0) return out;
  const left = suffix(a, out.shape);
  const right = suffix(b, out.shape);
  kernelsFor(a.dtype)[kernel](left.ptr, right.ptr, out.ptr, out.size, left.size, right.size);
  if (left !== a) left.dispose();
  if (right !== b) right.dispose();
  return out;
}

/** out = a ∘ b with broadcasting. @throws ShapeError, DTypeError (f32 and f64 do not mix; integers do not compute) */
export function binary(kernel: BinaryKernel, a: NDArray, b: NDArray): NDArray {
  const name = kernel.slice(4);
  return run(kernel, a, b, NDArray.empty(broadcastShapes(name, a.shape, b.shape), floatTypeOf(name, a, b)));
}

/** out = a ∘ b as bool with broadcasting. Arrays of different or integer types are compared in f64, exactly. */
export function compare(kernel: CompareKernel, a: NDArray, b: NDArray): NDArray {
  const out = NDArray.empty(broadcastShapes(kernel.slice(4), a.shape, b.shape), "bool");
  if (a.dtype === b.dtype && (a.dtype === "f32" || a.dtype === "f64")) return run(kernel, a, b, out);
  const left = convert(a, "f64");
  const right = convert(b, "f64");
  run(kernel, left, right, out);
  left.dispose();
  right.dispose();
  return out;
}

/** a + b, broadcasting. @throws ShapeError, DTypeError */
export const add = (a: NDArray, b: NDArray): NDArray => binary("f32_add", a, b);
/** a − b, broadcasting. @throws ShapeError, DTypeError */
export const sub = (a: NDArray, b: NDArray): NDArray => binary("f32_sub", a, b);
/** a·b elementwise, broadcasting. @throws ShapeError, DTypeError */
export const mul = (a: NDArray, b: NDArray): NDArray => binary("f32_mul", a, b);
/** a / b, broadcasting. @throws ShapeError, DTypeError */
export const div = (a: NDArray, b: NDArray): NDArray => binary("f32_div", a, b);

/** A scalar array of x's type. */
export function scalarLike(x: NDArray, value: number): NDArray {
  return NDArray.full([], value, x.dtype);
}

/** x·scale + shift, two roundings. */
export function scaleShift(x: NDArray, scale: number, shift = 0): NDArray {
  const out = NDArray.empty(x.shape, x.dtype);
  kernelsFor(x.dtype).f32_scale_shift(x.ptr, out.ptr, x.size, scale, shift);
  return out;
}

/** x / value, one rounding. */
export function divideBy(x: NDArray, value: number): NDArray {
  const divisor = scalarLike(x, value);
  const out = div(x, divisor);
  divisor.dispose();
  return out;
}

/** min(max(x, lo), hi). */
export function clip(x: NDArray, lo: number, hi: number): NDArray {
  const out = NDArray.empty(x.shape, x.dtype);
  kernelsFor(x.dtype).f32_clip(x.ptr, out.ptr, x.size, lo, hi);
  return out;
}

/** x·scale where the mask (bytes, broadcast to x's shape) is not 0; +0 elsewhere, whatever x is there. */
export function maskScale(x: NDArray, mask: NDArray, scale = 1): NDArray {
  const dense = sameShape(mask.shape, x.shape) ? mask : broadcastTo(mask, x.shape);
  const out = NDArray.empty(x.shape, x.dtype);
  kernelsFor(x.dtype).f32_mask_scale(x.ptr, dense.ptr, out.ptr, x.size, scale);
  return out;
}

/** The opposite of a mask. */
export function invertMask(mask: NDArray): NDArray {
  const out = NDArray.empty(mask.shape, "bool");
  const from = mask.view();
  const to = out.view();
  for (let i = 0; i < to.length; i++) to[i] = from[i] === 0 ? 1 : 0;
  return out;
}

/** cond ? a : b, all broadcast together. */
export function where(cond: NDArray, a: NDArray, b: NDArray): NDArray {
  const dtype = floatTypeOf("where", a, b);
  const shape = broadcastShapes("where", cond.shape, a.shape, b.shape);
  const [c, left, right] = [cond, a, b].map((item) => broadcastTo(item, shape));
  const out = NDArray.empty(shape, dtype);
  kernelsFor(dtype).f32_where(c.ptr, left.ptr, right.ptr, out.ptr, sizeOf(shape));
  for (const item of [c, left, right]) item.dispose();
  return out;
}
