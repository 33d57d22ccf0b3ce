/** @file Class numbers and indices as callers have them: a tensor, a list, a typed array. */
import { check, either, instanceOf, list } from "../../core/checks.js";
import type { TypedArray } from "../../core/dtype.js";
import { kindOf } from "../../core/typed-arrays.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { composed } from "../composed.js";
import { Tensor } from "../tensor.js";

const INDICES = either(instanceOf(Tensor, "a tensor of integers"), list, (value) =>
  kindOf(value) === null ? "a typed array" : null,
);

/**
 * Runs `fn` with the indices as a tensor: what is none becomes one of type i32, freed again unless a history needs it.
 *
 * @throws ArgumentError for what holds no indices, for a fraction and for NaN
 */
export function withIndices(
  op: string,
  indices: Tensor | readonly number[] | TypedArray,
  fn: (indices: Tensor) => Tensor,
): Tensor {
  check(op, "indices", indices, INDICES);
  if (indices instanceof Tensor) return fn(indices);
  return composed(() => fn(new Tensor(NDArray.from(indices, [indices.length], "i32"))));
}
