/** @file Element types of arrays, and the typed array that each one is seen through. Imports nothing. */

/**
 * Element type of an array. `f32` is what networks compute in; `f64` runs on the TypeScript reference kernels alone and
 * serves gradient checks; `i32` holds indices and accumulators; `u8`/`i8` hold quantization codes; `bool` is a byte, 0 or 1.
 */
export type DType = "f32" | "f64" | "i32" | "u8" | "i8" | "bool";

/** The typed array in which elements of any {@link DType} are read. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array;

const BYTES: Record<DType, number> = { f32: 4, f64: 8, i32: 4, u8: 1, i8: 1, bool: 1 };

/** Bytes of one element. */
export function bytesPer(dtype: DType): number {
  return BYTES[dtype];
}

/** True for the two floating-point types. */
export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f64";
}

/** A view of `length` elements of `dtype` at byte `offset` of `buffer`. */
export function viewOf(buffer: ArrayBufferLike, dtype: DType, offset: number, length: number): TypedArray {
  switch (dtype) {
    case "f32":
      return new Float32Array(buffer, offset, length);
    case "f64":
      return new Float64Array(buffer, offset, length);
    case "i32":
      return new Int32Array(buffer, offset, length);
    case "i8":
      return new Int8Array(buffer, offset, length);
    case "u8":
    case "bool":
      return new Uint8Array(buffer, offset, length);
  }
}

/** The dtype that a typed array's elements have. */
export function dtypeOf(array: TypedArray): DType {
  if (array instanceof Float32Array) return "f32";
  if (array instanceof Float64Array) return "f64";
  if (array instanceof Int32Array) return "i32";
  if (array instanceof Int8Array) return "i8";
  return "u8";
}
