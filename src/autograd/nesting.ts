/** @file Nested arrays: which values hold others, and the shape that they amount to. */
import { refuse } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";

/** Most axes of nested arrays, and most elements in them: what holds itself has no end of either. */
const [MOST_AXES, MOST_NESTED] = [32, 2 ** 27];

/** True for what holds elements: arrays, and typed arrays of any realm. */
function isRows(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || kindOf(value) !== null;
}

/** The lengths on the way to the first element. @throws ArgumentError if there are too many of them, or of elements */
function nestingOf(values: unknown): number[] {
  const extents: number[] = [];
  for (let value = values; isRows(value); value = value[0]) {
    extents.push(value.length);
    if (extents.length > MOST_AXES) {
      refuse("tensor", "nesting", `at most ${MOST_AXES} axes`, value, "does an array hold itself?");
    }
  }
  if (sizeOf(extents) > MOST_NESTED) {
    refuse("tensor", "nesting", `at most ${MOST_NESTED} elements`, values, "give a typed array, and a shape");
  }
  return extents;
}

/**
 * The numbers of nested arrays in row-major order, with their shape. Typed arrays may be rows; true and false count as
 * 1 and 0.
 *
 * @throws ArgumentError on ragged nesting, and on elements that are no numbers, with the place
 */
export function flattened(values: unknown): { flat: Float64Array; extents: number[] } {
  const extents = nestingOf(values);
  const flat = new Float64Array(sizeOf(extents));
  const place: number[] = [];
  let count = 0;
  const walk = (value: unknown): void => {
    const depth = place.length;
    const rows = isRows(value);
    if (!rows && typeof value !== "number" && typeof value !== "boolean") {
      refuse("tensor", depth === 0 ? "values" : `element at [${place.join(",")}]`, "a number", value);
    }
    if (rows ? value.length !== extents[depth] : depth !== extents.length) {
      throw new ArgumentError({
        op: "tensor",
        what: `ragged at depth ${depth}`,
        expected: "equal lengths",
        got: "different ones",
      });
    }
    if (!rows) {
      flat[count++] = Number(value);
      return;
    }
    // By index: a hole is undefined, and refused as that.
    for (let i = 0; i < value.length; i++) {
      place[depth] = i;
      walk(value[i]);
      place.length = depth;
    }
  };
  walk(values);
  return { flat, extents };
}
