/** @file Element types of arrays, the typed array that each one is seen through, and which numbers each one holds. */
import { describe } from "./checks.js";
import { ArgumentError, DTypeError } from "./errors.js";
import { kindOf, type TypedArrayKind } from "./typed-arrays.js";

/**
 * Element type of an array. `f32` is what networks compute in; `f64` runs on the TypeScript reference kernels alone and
 * serves gradient checks; `i32` holds indices and accumulators; `u8`/`i8` hold quantization codes; `bool` is a byte, 0
 * or 1.
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

const OF_KIND: Readonly<Partial<Record<TypedArrayKind, DType>>> = {
  Float32Array: "f32",
  Float64Array: "f64",
  Int32Array: "i32",
  Int8Array: "i8",
  Uint8Array: "u8",
  Uint8ClampedArray: "u8",
};

/**
 * The dtype that a typed array's elements have; those of any realm count.
 *
 * @throws DTypeError for 16-bit, unsigned 32-bit and 64-bit integers and half floats, which no dtype holds, and for
 * what is no typed array
 */
export function dtypeOf(array: TypedArray, op = "array"): DType {
  const kind = kindOf(array);
  const dtype = kind === null ? undefined : OF_KIND[kind];
  if (dtype !== undefined) return dtype;
  throw new DTypeError({
    op,
    what: "no dtype has elements of this type",
    expected: Object.keys(OF_KIND).join(", "),
    got: describe(array),
    hint: kind === null ? undefined : 'name the type that is meant, as in { dtype: "f32" }',
  });
}

/** Refuses a name that is no dtype. @throws DTypeError */
export function checkDType(op: string, dtype: DType): void {
  if (dtype === "f32" || (typeof dtype === "string" && Object.hasOwn(BYTES, dtype))) return;
  throw new DTypeError({
    op,
    what: "unknown dtype",
    expected: Object.keys(BYTES).join(", "),
    got: describe(dtype),
  });
}

const RANGE: Readonly<Record<"i32" | "u8" | "i8", readonly [lo: number, hi: number]>> = {
  i32: [-2_147_483_648, 2_147_483_647],
  u8: [0, 255],
  i8: [-128, 127],
};

/**
 * A number as an element of a type: floats are rounded to it, integers must be held exactly, bool is 1 for what is not
 * 0 (NaN too, as in `cast`). True and false count as 1 and 0.
 *
 * @throws ArgumentError for what is no number, and for a number that the type would cut
 */
export function elementOf(op: string, dtype: DType, value: unknown, position?: number): number {
  const number = typeof value === "boolean" ? Number(value) : value;
  if (typeof number === "number") {
    if (dtype === "bool") return number === 0 ? 0 : 1;
    if (isFloat(dtype)) return number;
    const [lo, hi] = RANGE[dtype as "i32"];
    if (Number.isInteger(number) && number >= lo && number <= hi) return number;
  }
  throw new ArgumentError({
    op,
    what: `bad element${position === undefined ? "" : ` at ${position}`}`,
    expected:
      isFloat(dtype) || dtype === "bool"
        ? "a number"
        : `an integer from ${RANGE[dtype as "i32"].join(" to ")} for ${dtype}`,
    got: describe(value),
    hint: typeof number === "number" && !isFloat(dtype) ? "cast() cuts on purpose" : undefined,
  });
}

/**
 * Writes numbers as elements of a type; see {@link elementOf}.
 *
 * @param values as many as `to` is long: a typed array of any kind and realm, or a list of numbers
 * @throws ArgumentError before anything is written if an element does not fit
 */
export function writeElements(op: string, to: TypedArray, dtype: DType, values: ArrayLike<unknown>): void {
  const kind = kindOf(values);
  const number = kind !== null && kind !== "BigInt64Array" && kind !== "BigUint64Array";
  const same = kind !== null && OF_KIND[kind] === dtype;
  if (!same && !(number && isFloat(dtype))) {
    for (let i = 0; i < values.length; i++) elementOf(op, dtype, values[i], i);
  }
  if (dtype !== "bool") to.set(values as ArrayLike<number>);
  else for (let i = 0; i < values.length; i++) to[i] = elementOf(op, dtype, values[i], i);
}
