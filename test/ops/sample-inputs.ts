/** @file Inputs that samples are made of. */
import type { Shape } from "../../src/core/shape.js";
import type { SampleInput } from "../gradcheck.js";

/** Random values in [0.5, 2.5). */
export const positive = (shape: number[]): SampleInput => ({ shape, range: [0.5, 2.5] });
/** Given values; integers and bools take no gradient. */
export const fixed = (
  shape: number[],
  values: number[],
  dtype: "f64" | "i32" | "bool" | "u8" = "f64",
): SampleInput => ({
  shape,
  values,
  dtype,
});
/** Distinct values in mixed order, none near another or near 0: extrema and kinks stay away from the differences. */
export const spread = (shape: number[]): SampleInput => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Array.from({ length: size }, (_, i) => (((i * 7919) % size) - size / 2 + 0.25) * 0.37) };
};

/** The same input with random values in a range. */
export const within = (input: SampleInput, range: readonly [number, number]): SampleInput =>
  isShape(input) ? { shape: input, range } : { ...input, range };
const isShape = (input: SampleInput): input is Shape => Array.isArray(input);
