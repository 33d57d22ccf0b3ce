/** @file Arrays put together, and put into a frame. */
import { check, describe, integer, list, listOf } from "../core/checks.js";
import { elementOf } from "../core/dtype.js";
import { ArgumentError, DTypeError, ShapeError } from "../core/errors.js";
import { normalizeAxis, shapeText, stridesOf } from "../core/shape.js";
import { expectArrays, filled } from "./checks.js";
import { NDArray } from "./ndarray.js";
import { stridedScatter } from "./strided.js";

/**
 * Arrays of one type (and step, if coded), joined along `axis`, along which alone they may differ.
 * @throws ArgumentError, ShapeError, DTypeError
 */
export function concat(arrays: readonly NDArray[], axis: number): NDArray {
  check("concat", "arrays", arrays, list);
  expectArrays("concat", ...arrays);
  const [{ dtype, step, rank }] = arrays;
  const at = normalizeAxis("concat", axis, rank);
  const shape = concatShape("concat", arrays, at);
  const typeOf = (array: NDArray): string => (array.step === null ? array.dtype : `codes of step ${array.step}`);
  const other = arrays.find((array) => array.dtype !== dtype || array.step !== step);
  if (other !== undefined) {
    throw new DTypeError({ op: "concat", what: "types differ", expected: typeOf(arrays[0]), got: typeOf(other) });
  }
  return filled(NDArray.empty(shape, dtype, step), (out) => {
    const strides = stridesOf(shape);
    let offset = 0;
    for (const array of arrays) {
      // An empty part may begin at the very end.
      if (array.size > 0) stridedScatter(array, out, offset * strides[at], strides);
      offset += array.shape[at];
    }
  });
}

/** Shape of {@link concat}; `axis` normalized. Codes count as the real values that they stand for. */
export function concatShape(op: string, arrays: readonly NDArray[], axis: number): number[] {
  check(op, "arrays", arrays, list);
  expectArrays(op, ...arrays);
  const first = arrays[0];
  const along = normalizeAxis(op, axis, first.rank);
  const shape = [...first.shape];
  const typeOf = (array: NDArray): string => (array.coded ? "f32" : array.dtype);
  for (const array of arrays.slice(1)) {
    if (typeOf(array) !== typeOf(first)) {
      throw new DTypeError({ op, what: "types differ", expected: typeOf(first), got: typeOf(array) });
    }
    if (array.rank !== first.rank || array.shape.some((extent, i) => i !== along && extent !== first.shape[i])) {
      throw new ShapeError({
        op,
        what: "shapes differ",
        expected: `${shapeText(first.shape)} but for axis ${along}`,
        got: shapeText(array.shape),
      });
    }
    shape[along] += array.shape[along];
  }
  return shape;
}

/** @throws ArgumentError unless there is a pair of integers ≥ 0 for each of `rank` axes */
export function checkPads(op: string, pads: readonly (readonly [number, number])[], rank: number): void {
  if (listOf(listOf(integer(0), 2), rank)(pads) === null) return;
  throw new ArgumentError({
    op,
    what: "bad pads",
    expected: `[before, after] for each of ${rank} axes, integers ≥ 0`,
    got: inFull(pads),
  });
}

/** A value with the items of short lists, nested ones too. */
function inFull(value: unknown): string {
  return Array.isArray(value) && value.length <= 8 ? `[${Array.from(value, inFull).join(",")}]` : describe(value);
}

/**
 * x with `pads[i] = [before, after]` elements of `value` around axis i. A coded array stays coded if value is 0.
 * @throws ArgumentError on bad pads, or a value that the type cannot hold
 */
export function pad(x: NDArray, pads: readonly (readonly [number, number])[], value: number): NDArray {
  expectArrays("pad", x);
  checkPads("pad", pads, x.rank);
  using source = value === 0 ? x.alias() : x.dequantize();
  const element = elementOf("pad", source.dtype, value);
  const shape = x.shape.map((extent, i) => pads[i][0] + extent + pads[i][1]);
  return filled(NDArray.empty(shape, source.dtype, source.step), (out) => {
    out.view().fill(element);
    if (source.size === 0) return;
    const strides = stridesOf(shape);
    stridedScatter(
      source,
      out,
      pads.reduce((sum, [before], i) => sum + before * strides[i], 0),
      strides,
    );
  });
}
