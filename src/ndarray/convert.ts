/** @file Element types of operands: checks, and conversion between types. */
import { type DType, isFloat } from "../core/dtype.js";
import { DTypeError } from "../core/errors.js";
import { kernelsFor } from "../kernels/engine.js";
import { NDArray } from "./ndarray.js";

/** The two types that arithmetic runs in. */
export type FloatType = "f32" | "f64";

/**
 * The common type of real operands.
 * @throws DTypeError if one is an integer or bool array, or if f32 and f64 meet: neither is converted silently
 */
export function floatTypeOf(op: string, ...arrays: readonly NDArray[]): FloatType {
  const dtype = arrays[0].dtype;
  for (const array of arrays) {
    if (!isFloat(array.dtype)) {
      throw new DTypeError({
        op,
        what: "not a real array",
        expected: "f32 or f64",
        got: array.dtype,
        hint: 'convert it with cast(x, "f32")',
      });
    }
    if (array.dtype !== dtype) {
      throw new DTypeError({
        op,
        what: "types differ",
        expected: "all f32 or all f64",
        got: arrays.map((item) => item.dtype).join(" and "),
        hint: `convert one of them with cast(x, "${dtype}")`,
      });
    }
  }
  return dtype as FloatType;
}

/** @throws DTypeError unless the array holds i32 (or u8, i8) numbers that stand for themselves */
export function checkIndices(op: string, array: NDArray): void {
  if ((array.dtype === "i32" || array.dtype === "u8" || array.dtype === "i8") && array.step === null) return;
  throw new DTypeError({
    op,
    what: "indices are not integers",
    expected: "i32",
    got: array.coded ? "coded u8 (real values)" : array.dtype,
    hint: 'convert them with cast(x, "i32")',
  });
}

const LIMITS: Partial<Record<DType, readonly [number, number]>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u8: [0, 255],
  i8: [-128, 127],
};

/**
 * The elements in another type. Real to integer truncates towards zero and saturates, NaN gives 0; anything to bool is x ≠ 0,
 * and of a bool any byte but 0 is 1; f64 to f32 rounds to nearest even. Of a coded array the real values are converted.
 *
 * @returns a new array, or an alias if nothing changes
 */
export function convert(x: NDArray, dtype: DType): NDArray {
  if (x.step !== null) return convert(x.dequantize(dtype === "f64" ? "f64" : "f32"), dtype);
  if (x.dtype === dtype) return x.alias();
  const out = NDArray.empty(x.shape, dtype);
  const to = kernelsFor(dtype);
  if (isFloat(dtype) && x.dtype === "bool") {
    // Any byte but 0 is true, and true is 1.
    to.f32_fill(out.ptr, out.size, 1);
    to.f32_mask_scale(out.ptr, x.ptr, out.ptr, out.size, 1);
  } else if (isFloat(dtype) && x.dtype === "i32") to.i32_to_f32(x.ptr, out.ptr, x.size);
  else if (isFloat(dtype) && x.dtype === "i8") to.i8_dequantize(x.ptr, out.ptr, x.size, 1);
  else if (isFloat(dtype) && !isFloat(x.dtype)) to.u8_dequantize(x.ptr, out.ptr, x.size, 1);
  else if (dtype === "i32" && isFloat(x.dtype)) kernelsFor(x.dtype).f32_to_i32(x.ptr, out.ptr, x.size);
  else copyConverted(x, out);
  return out;
}

function copyConverted(x: NDArray, out: NDArray): void {
  const from = x.view();
  const to = out.view();
  const limits = LIMITS[out.dtype];
  if (out.dtype === "bool" || x.dtype === "bool") for (let i = 0; i < to.length; i++) to[i] = from[i] !== 0 ? 1 : 0;
  else if (limits === undefined) to.set(from);
  else {
    // A typed array would wrap around; it truncates and turns NaN into 0 by itself.
    for (let i = 0; i < to.length; i++) to[i] = Math.min(Math.max(from[i], limits[0]), limits[1]);
  }
}
