/** @file Random shapes, arrays and indices for property tests; fast-check prints the seed and shrinks. */
import fc from "fast-check";
import { type Shape, sizeOf } from "../src/core/shape.js";

/** Extents of 0 … `largest`, ranks of 0 … `rank`; ones and small extents are likely. */
export function shapes({ rank = 4, largest = 5, smallest = 0 } = {}): fc.Arbitrary<number[]> {
  return fc.array(fc.oneof(fc.constant(1), fc.integer({ min: smallest, max: largest })), { maxLength: rank });
}

/** A shape and a value for every element. */
export function arrays(of: fc.Arbitrary<number[]> = shapes()): fc.Arbitrary<{ shape: number[]; values: number[] }> {
  return of.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      values: fc.array(reals(), { minLength: sizeOf(shape), maxLength: sizeOf(shape) }),
    }),
  );
}

/** f32 numbers of moderate size, both zeros included. */
export function reals(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: -8, max: 8 }),
    fc.float({ min: -1000, max: 1000, noNaN: true, noDefaultInfinity: true }),
  );
}

/** Two shapes that broadcast, and their broadcast. */
export function broadcastPairs(): fc.Arbitrary<{ a: number[]; b: number[]; out: number[] }> {
  return shapes({ smallest: 1 }).chain((out) => {
    const operand = fc
      .tuple(
        fc.integer({ min: 0, max: out.length }),
        fc.array(fc.boolean(), { minLength: out.length, maxLength: out.length }),
      )
      .map(([drop, ones]) => out.map((extent, i) => (ones[i] ? 1 : extent)).slice(drop));
    return fc.tuple(operand, operand).map(([a, b]) => {
      const extent = (shape: Shape, i: number): number => shape[shape.length - 1 - i] ?? 1;
      const rank = Math.max(a.length, b.length);
      const both = Array.from({ length: rank }, (_, i) => Math.max(extent(a, rank - 1 - i), extent(b, rank - 1 - i)));
      return { a, b, out: both };
    });
  });
}

/** A permutation of 0 … n−1. */
export function permutations(n: number): fc.Arbitrary<number[]> {
  const all = Array.from({ length: n }, (_, i) => i);
  return fc.shuffledSubarray(all, { minLength: n, maxLength: n });
}

/** A Python-style range for an axis: ends beyond the axis and steps both ways included. */
export function ranges(extent: number): fc.Arbitrary<[number | null, number | null, number]> {
  const end = fc.oneof(fc.constant(null), fc.integer({ min: -extent - 2, max: extent + 2 }));
  return fc.tuple(end, end, fc.constantFrom(1, 1, 2, 3, -1, -2));
}

/** Every index of a shape, row-major. */
export function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (rows, extent) => rows.flatMap((row) => Array.from({ length: extent }, (_, i) => [...row, i])),
    [[]],
  );
}

/** Row-major offset of an index; of a broadcast operand if the shape has fewer or unit extents. */
export function offsetOf(index: readonly number[], shape: Shape): number {
  const own = index.slice(index.length - shape.length);
  return shape.reduce((offset, extent, i) => offset * extent + (extent === 1 ? 0 : own[i]), 0);
}
