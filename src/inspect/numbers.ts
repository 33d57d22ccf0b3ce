/** @file Numbers of anything that holds some: tensors, arrays, typed arrays, lists. */
import { Variable } from "../autograd/graph.js";
import { list, listOf, numeric, refuse } from "../core/checks.js";
import { kindOf } from "../core/typed-arrays.js";
import { NDArray } from "../ndarray/ndarray.js";

/** Real numbers: those that codes stand for, where a tensor is coded. */
export type Numbers = Variable | NDArray | ArrayLike<number>;

/** A copy of the real numbers in `x`, f64. @throws ArgumentError on what holds none; DisposedError */
export function realNumbers(op: string, name: string, x: unknown): Float64Array {
  const array = x instanceof Variable ? x.data : x;
  if (array instanceof NDArray) {
    const { step } = array;
    return Float64Array.from(array.view(), step === null ? undefined : (code) => Math.fround(step * code));
  }
  const kind = kindOf(array);
  if (kind !== null && !kind.startsWith("Big")) return Float64Array.from(array as ArrayLike<number>);
  if (list(array) !== null || listOf(numeric)(array) !== null)
    refuse(op, name, "a tensor, an array, or a list of numbers", x);
  return Float64Array.from(array as number[]);
}
