/** @file Conversion between element types. */
import { checkDType, type DType, isFloat } from "../core/dtype.js";
import { kernelsFor } from "../kernels/engine.js";
import { expectArrays } from "./checks.js";
import { NDArray } from "./ndarray.js";

export { checkIndices, type FloatType, floatTypeOf } from "./checks.js";

const LIMITS: Partial<Record<DType, readonly [number, number]>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u8: [0, 255],
  i8: [-128, 127],
};

/**
 * The elements in another type. Real to integer truncates towards zero and saturates, NaN gives 0; anything to bool is
 * x ≠ 0, and of a bool any byte but 0 is 1; f64 to f32 rounds to nearest even. Of a coded array the real values are
 * converted.
 *
 * @returns a new array, or an alias if nothing changes
 * @throws DTypeError on an unknown type
 */
export function convert(x: NDArray, dtype: DType): NDArray {
  expectArrays("cast", x);
  checkDType("cast", dtype);
  if (x.step !== null) {
    using real = x.dequantize(dtype === "f64" ? "f64" : "f32");
    return convert(real, dtype);
  }
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
