/** @file Elementwise arithmetic over arrays: unary, binary with broadcasting, comparison, selection. */
import { refuse } from "../core/checks.js";
import { broadcastShapes, type Shape, sameShape, sizeOf } from "../core/shape.js";
import { UNARY, type UnaryKernel } from "../kernels/elementwise/abi.js";
import { kernelsFor } from "../kernels/engine.js";
import { expectArrays, expectKernel, expectNumbers, expectType, floatTypeOf } from "./checks.js";
import { convert } from "./convert.js";
import { broadcastTo } from "./movement.js";
import { NDArray, trustedEmpty } from "./ndarray.js";

const BINARY = ["f32_add", "f32_sub", "f32_mul", "f32_div", "f32_pow", "f32_maximum", "f32_minimum"] as const;
const COMPARE = ["f32_eq", "f32_ne", "f32_lt", "f32_le", "f32_gt", "f32_ge"] as const;

export type { UnaryKernel } from "../kernels/elementwise/abi.js";
/** Kernels of two real operands. */
export type BinaryKernel = (typeof BINARY)[number];
/** Kernels that compare two real operands. */
export type CompareKernel = (typeof COMPARE)[number];
const [unaries, binaries, comparisons] = [UNARY, BINARY, COMPARE].map((family) => new Set<string>(family));

/** out[i] = f(x[i]). @throws ArgumentError on another kernel; DTypeError unless x is real */
export function unary(kernel: UnaryKernel, x: NDArray): NDArray {
  expectKernel(kernel, unaries);
  const dtype = floatTypeOf(kernel.slice(4), x);
  const out = trustedEmpty(x.shape.slice(), dtype);
  kernelsFor(dtype)[kernel](x.ptr, out.ptr, x.size);
  return out;
}

/** The operand as a kernel can take it: as it is if its extents, without leading ones, end `shape`; else expanded. */
function suffix(x: NDArray, shape: Shape): NDArray {
  if (sameShape(x.shape, shape)) return x;
  const first = x.shape.findIndex((extent) => extent !== 1);
  const own = first < 0 ? [] : x.shape.slice(first);
  const fits = own.length <= shape.length && own.every((extent, i) => extent === shape[shape.length - own.length + i]);
  return fits ? x : broadcastTo(x, shape);
}

/** Runs a kernel of two operands of one real type, whose shapes broadcast to that of `out`. */
function run(kernel: BinaryKernel | CompareKernel, a: NDArray, b: NDArray, out: NDArray): NDArray {
  if (out.size === 0) return out;
  let left = a;
  let right = b;
  let done = false;
  try {
    left = suffix(a, out.shape);
    right = suffix(b, out.shape);
    kernelsFor(a.dtype)[kernel](left.ptr, right.ptr, out.ptr, out.size, left.size, right.size);
    done = true;
  } finally {
    if (left !== a) left.dispose();
    if (right !== b) right.dispose();
    if (!done) out.dispose();
  }
  return out;
}

/**
 * out = a ∘ b with broadcasting.
 * @throws ShapeError, DTypeError (f32 and f64 do not mix; integers do not compute), ArgumentError on another kernel
 */
export function binary(kernel: BinaryKernel, a: NDArray, b: NDArray): NDArray {
  expectKernel(kernel, binaries);
  const name = kernel.slice(4);
  const dtype = floatTypeOf(name, a, b);
  const shape = broadcastShapes(name, a.shape, b.shape);
  // Extents of two arrays may together be too many.
  return run(kernel, a, b, sameShape(shape, a.shape) ? trustedEmpty(shape, dtype) : NDArray.empty(shape, dtype));
}

/**
 * out = a ∘ b as bool with broadcasting. Arrays of different or integer types are compared in f64, exactly.
 * @throws ShapeError, ArgumentError
 */
export function compare(kernel: CompareKernel, a: NDArray, b: NDArray): NDArray {
  expectKernel(kernel, comparisons);
  expectArrays(kernel.slice(4), a, b);
  const shape = broadcastShapes(kernel.slice(4), a.shape, b.shape);
  if (a.dtype === b.dtype && (a.dtype === "f32" || a.dtype === "f64")) {
    return run(kernel, a, b, NDArray.empty(shape, "bool"));
  }
  using left = convert(a, "f64");
  using right = convert(b, "f64");
  return run(kernel, left, right, NDArray.empty(shape, "bool"));
}

/** a + b, broadcasting. @throws ShapeError, DTypeError */
export const add = (a: NDArray, b: NDArray): NDArray => binary("f32_add", a, b);
/** a − b, broadcasting. @throws ShapeError, DTypeError */
export const sub = (a: NDArray, b: NDArray): NDArray => binary("f32_sub", a, b);
/** a·b elementwise, broadcasting. @throws ShapeError, DTypeError */
export const mul = (a: NDArray, b: NDArray): NDArray => binary("f32_mul", a, b);
/** a / b, broadcasting. @throws ShapeError, DTypeError */
export const div = (a: NDArray, b: NDArray): NDArray => binary("f32_div", a, b);

/** A scalar array of x's type. @throws ArgumentError if that cannot hold the value */
export function scalarLike(x: NDArray, value: number): NDArray {
  expectArrays("scalarLike", x);
  return NDArray.full([], value, x.dtype);
}

/** x·scale + shift, two roundings. @throws DTypeError unless x is real */
export function scaleShift(x: NDArray, scale: number, shift = 0): NDArray {
  const dtype = floatTypeOf("scaleShift", x);
  expectNumbers("scaleShift", { scale, shift });
  const out = NDArray.empty(x.shape, dtype);
  kernelsFor(dtype).f32_scale_shift(x.ptr, out.ptr, x.size, scale, shift);
  return out;
}

/** x / value, one rounding. @throws DTypeError unless x is real */
export function divideBy(x: NDArray, value: number): NDArray {
  floatTypeOf("div", x);
  expectNumbers("div", { value });
  const divisor = scalarLike(x, value);
  try {
    return div(x, divisor);
  } finally {
    divisor.dispose();
  }
}

/** @throws ArgumentError unless lo ≤ hi, both numbers (±∞ bounds nothing) */
export function checkBounds(op: string, lo: number, hi: number): void {
  expectNumbers(op, { lo, hi });
  if (!(lo <= hi)) refuse(op, "bounds", "lo ≤ hi", `${lo} and ${hi}`);
}

/** min(max(x, lo), hi). @throws DTypeError unless x is real; ArgumentError unless lo ≤ hi */
export function clip(x: NDArray, lo: number, hi: number): NDArray {
  const dtype = floatTypeOf("clip", x);
  checkBounds("clip", lo, hi);
  const out = NDArray.empty(x.shape, dtype);
  kernelsFor(dtype).f32_clip(x.ptr, out.ptr, x.size, lo, hi);
  return out;
}

/**
 * x·scale where the mask (bool, broadcast to x's shape) is true; +0 elsewhere, whatever x is there.
 * @throws DTypeError, ShapeError
 */
export function maskScale(x: NDArray, mask: NDArray, scale = 1): NDArray {
  const dtype = floatTypeOf("maskScale", x);
  expectType("maskScale", "mask", mask, "bool");
  expectNumbers("maskScale", { scale });
  using dense = broadcastTo(mask, x.shape);
  const out = NDArray.empty(x.shape, dtype);
  kernelsFor(dtype).f32_mask_scale(x.ptr, dense.ptr, out.ptr, x.size, scale);
  return out;
}

/** The opposite of a mask. @throws DTypeError unless it is bool */
export function invertMask(mask: NDArray): NDArray {
  expectType("invertMask", "mask", mask, "bool");
  const out = NDArray.empty(mask.shape, "bool");
  const from = mask.view();
  const to = out.view();
  for (let i = 0; i < to.length; i++) to[i] = from[i] === 0 ? 1 : 0;
  return out;
}

/**
 * cond ? a : b, all broadcast together.
 * @throws DTypeError unless cond is bool and a, b real of one type; ShapeError
 */
export function where(cond: NDArray, a: NDArray, b: NDArray): NDArray {
  expectType("where", "condition", cond, "bool");
  const dtype = floatTypeOf("where", a, b);
  const shape = broadcastShapes("where", cond.shape, a.shape, b.shape);
  using c = broadcastTo(cond, shape);
  using left = broadcastTo(a, shape);
  using right = broadcastTo(b, shape);
  const out = NDArray.empty(shape, dtype);
  kernelsFor(dtype).f32_where(c.ptr, left.ptr, right.ptr, out.ptr, sizeOf(shape));
  return out;
}

/** a + b of live real arrays of one type and shape, which are trusted to be so. */
export function trustedSum(a: NDArray, b: NDArray): NDArray {
  const sum = trustedEmpty(a.shape.slice(), a.dtype);
  kernelsFor(a.dtype).f32_add(a.ptr, b.ptr, sum.ptr, sum.size, sum.size, sum.size);
  return sum;
}
