/** @file Nested arrays: which values hold others, and the shape that they amount to. */
import { refuse } from "../core/checks.js";
import { sizeOf } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";

/** Most axes of nested arrays, and most elements in them: what holds itself has no end of either. */
const [MOST_AXES, MOST_NESTED] = [32, 2 ** 27];

/** True for what holds elements: arrays, and typed arrays of any realm. */
export function isRows(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || kindOf(value) !== null;
}

/** The lengths on the way to the first element. @throws ArgumentError if there are too many of them, or of elements */
export function nestingOf(values: unknown): number[] {
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
