/**
 * @file What reaches a kernel: the one place that asks of arrays whether they are live, of the right types and extents.
 * Kernels trust it: an address that gets past here is read and written over the extents that were asked for.
 */
import { check, describe, instanceOf, numeric, refuse } from "../core/checks.js";
import { type DType, isFloat } from "../core/dtype.js";
import { DTypeError, ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { NDArray } from "./ndarray.js";

const anArray = instanceOf(NDArray, "an NDArray");

/** Refuses what is no array, and arrays that were disposed of. @throws ArgumentError, DisposedError */
export function expectArrays(op: string, ...arrays: readonly NDArray[]): void {
  if (arrays.length === 0) refuse(op, "arrays", "at least one", undefined);
  for (let i = 0; i < arrays.length; i++) {
    if (!(arrays[i] instanceof NDArray)) check(op, `array ${i}`, arrays[i], anArray);
    void arrays[i].ptr; // refuses one that was disposed of
  }
}

/** The two types that arithmetic runs in. */
export type FloatType = "f32" | "f64";

/**
 * The common type of live real operands.
 * @throws ArgumentError, DisposedError; DTypeError if one is an integer or bool array, or if f32 and f64 meet: neither
 * is converted silently
 */
export function floatTypeOf(op: string, ...arrays: readonly NDArray[]): FloatType {
  if (arrays.length === 0) expectArrays(op);
  const dtype = arrays[0]?.dtype;
  for (let i = 0; i < arrays.length; i++) {
    const array = arrays[i];
    if (!(array instanceof NDArray && array.alive && array.storage.alive)) expectArrays(op, array);
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

/**
 * @throws ArgumentError, DisposedError; DTypeError unless the array holds i32 (or u8, i8) numbers that stand for
 * themselves
 */
export function checkIndices(op: string, array: NDArray): void {
  expectArrays(op, array);
  if ((array.dtype === "i32" || array.dtype === "u8" || array.dtype === "i8") && array.step === null) return;
  throw new DTypeError({
    op,
    what: "indices are not integers",
    expected: "i32",
    got: array.coded ? "coded u8 (real values)" : array.dtype,
    hint: 'convert them with cast(x, "i32")',
  });
}

/** Refuses a live array of another type than those named. @throws ArgumentError, DisposedError, DTypeError */
export function expectType(op: string, name: string, array: NDArray, ...types: readonly DType[]): void {
  expectArrays(op, array);
  if (types.includes(array.dtype)) return;
  throw new DTypeError({ op, what: name, expected: types.join(" or "), got: array.dtype });
}

/**
 * What a product may multiply with reals of `dtype`: such reals, or u8 codes.
 * @throws ArgumentError, DisposedError, DTypeError
 */
export function expectFactor(op: string, x: NDArray, dtype: FloatType): void {
  expectType(op, "input", x, dtype, "u8");
}

/** @throws ShapeError unless the array has exactly these extents */
export function expectShape(op: string, name: string, array: NDArray, shape: Shape): void {
  if (sameShape(array.shape, shape)) return;
  throw new ShapeError({ op, what: `${name} shape`, expected: shapeText(shape), got: shapeText(array.shape) });
}

/** @throws ShapeError unless the array has so many axes; `axes` says which */
export function expectRank(op: string, name: string, array: NDArray, rank: number, axes: string): void {
  if (array.rank === rank) return;
  throw new ShapeError({ op, what: `${name} rank`, expected: axes, got: shapeText(array.shape) });
}

/** @throws ArgumentError unless all are numbers (NaN and ±∞ are) */
export function expectNumbers(op: string, numbers: Readonly<Record<string, number>>): void {
  for (const name of Object.keys(numbers)) check(op, name, numbers[name], numeric);
}

/**
 * Refuses a kernel's name that is not of the family which takes these arguments: another kernel would take addresses
 * for extents.
 * @throws ArgumentError
 */
export function expectKernel(kernel: string, family: ReadonlySet<string>): void {
  if (!family.has(kernel)) refuse("arrays", "kernel", [...family].join(", "), kernel);
}

/** @throws ShapeError unless the axes are in order, distinct and within the rank, as `normalizeAxes` gives them */
export function expectAxes(op: string, axes: readonly number[], rank: number): void {
  if (!Array.isArray(axes)) refuse(op, "axes", "a sorted list of axes", axes);
  for (let i = 0; i < axes.length; i++) {
    const axis = axes[i];
    if (Number.isInteger(axis) && axis >= 0 && axis < rank && (i === 0 || axis > axes[i - 1])) continue;
    throw new ShapeError({
      op,
      what: `bad axis at ${i}`,
      expected: `sorted, distinct axes below ${rank}`,
      got: describe(axis),
    });
  }
}

/** Runs `fill` on a new array and hands it back; frees it if that throws. */
export function filled(out: NDArray, fill: (out: NDArray) => void): NDArray {
  try {
    fill(out);
  } catch (error) {
    out.dispose();
    throw error;
  }
  return out;
}
