/** @file Examples one by one, put together to batches. */
import { atLeast, check, record, refuse } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { sameShape, shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { type ExampleArray, type ExampleData, exampleArray, type NumberLists } from "./examples.js";

/** One value of one example: a number, a typed array, nested lists, or an array with a shape (and a step, for codes). */
export type ExampleValue = number | ExampleData | readonly NumberLists[] | ExampleArray;

/** One example, without a batch axis. */
export interface Example {
  /** The network's input. */
  readonly x?: ExampleValue;
  /** Its inputs, for a network of several; instead of `x`. */
  readonly inputs?: readonly ExampleValue[];
  /** What the network should say. */
  readonly y: ExampleValue;
  /** How much it counts, ≥ 0. Default 1. */
  readonly weight?: number;
}

/** Examples together: arrays with their number first. */
export interface Collated {
  readonly inputs: readonly ExampleArray[];
  readonly y: ExampleArray;
  readonly weights?: Float32Array;
}

/**
 * Puts examples together: [N, …] of N arrays of one shape and type.
 *
 * @param name for messages
 * @param indices where each comes from, for messages
 * @throws ArgumentError on what is no example; ShapeError if shapes differ, naming both examples
 */
export function collate(name: string, examples: readonly Example[], indices: ArrayLike<number>): Collated {
  examples.forEach((example, k) => {
    check(name, `example ${indices[k]}`, example, record);
    if (example.weight !== undefined) check(name, `weight of example ${indices[k]}`, example.weight, atLeast(0));
  });
  const several = examples.map(({ x, inputs }, k) => {
    if (Array.isArray(inputs) === (x !== undefined))
      refuse(name, `example ${indices[k]}`, "x, or inputs: [one, another]", inputs);
    return inputs ?? [x as ExampleValue];
  });
  const odd = several.findIndex((inputs) => inputs.length !== several[0].length || inputs.length === 0);
  if (odd >= 0)
    refuse(name, `inputs of example ${indices[odd]}`, `${several[0].length || "at least one"}`, several[odd]);
  const inputs = several[0].map((_, i) => {
    const what = several[0].length > 1 ? `input ${i}` : "x";
    return stacked(
      name,
      what,
      several.map((own) => own[i]),
      indices,
    );
  });
  const y = stacked(
    name,
    "y",
    examples.map((example) => example.y),
    indices,
  );
  if (examples.every(({ weight }) => weight === undefined)) return { inputs, y };
  return { inputs, y, weights: Float32Array.from(examples, ({ weight = 1 }) => weight) };
}

function stacked(
  name: string,
  what: string,
  values: readonly ExampleValue[],
  indices: ArrayLike<number>,
): ExampleArray {
  const arrays = values.map(
    (value, k): ExampleArray =>
      typeof value === "number"
        ? { shape: [], data: Float32Array.of(value) }
        : exampleArray(name, `${what} of example ${indices[k]}`, value),
  );
  const [{ shape, data, step }] = arrays;
  const type = (array: ExampleArray): string => `${kindOf(array.data)} ${shapeText(array.shape)} step ${array.step}`;
  const out = new (data.constructor as new (length: number) => ExampleData)(arrays.length * data.length);
  arrays.forEach((array, k) => {
    if (!sameShape(array.shape, shape) || kindOf(array.data) !== kindOf(data) || array.step !== step) {
      throw new ShapeError({
        op: name,
        what: `${what} of example ${indices[k]} is unlike that of example ${indices[0]}`,
        expected: type(arrays[0]),
        got: type(array),
      });
    }
    out.set(array.data, k * data.length);
  });
  return { shape: [arrays.length, ...shape], data: out, ...(step !== undefined && { step }) };
}
