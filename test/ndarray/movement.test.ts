/** @file Movement of elements against index arithmetic written out, over random shapes and every element width. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../../src/core/dtype.js";
import { sizeOf } from "../../src/core/shape.js";
import { scope } from "../../src/memory/scope.js";
import * as nd from "../../src/ndarray/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { sumTo } from "../../src/ndarray/reduce.js";
import { broadcastPairs, indicesOf, offsetOf, permutations, ranges, shapes } from "../arbitraries.js";

const WIDTHS: DType[] = ["f32", "f64", "i32", "u8", "i8", "bool"];
const counted = (shape: readonly number[], dtype: DType): NDArray =>
  NDArray.from(
    Array.from({ length: sizeOf(shape) }, (_, i) => i % 120),
    shape,
    dtype,
  );

/** Runs a property in a scope for a random width. */
function property<T>(name: string, arbitrary: fc.Arbitrary<T>, check: (value: T, dtype: DType) => void): void {
  test(name, () => {
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(...WIDTHS), (value, dtype) => {
        scope(() => check(value, dtype));
      }),
      { numRuns: 300 },
    );
  });
}

function same(actual: NDArray, shape: readonly number[], source: NDArray, from: (index: number[]) => number): void {
  expect([...actual.shape]).toEqual([...shape]);
  expect(actual.dtype).toBe(source.dtype);
  const values = source.toTypedArray();
  expect(Array.from(actual.toTypedArray())).toEqual(indicesOf(shape).map((index) => values[from(index)]));
}

describe("movement", () => {
  property(
    "permute",
    shapes({ rank: 5, largest: 4 }).chain((shape) =>
      fc.record({ shape: fc.constant(shape), axes: permutations(shape.length) }),
    ),
    ({ shape, axes }, dtype) => {
      const x = counted(shape, dtype);
      const y = nd.permute(x, axes);
      same(
        y,
        axes.map((axis) => shape[axis]),
        x,
        (index) => {
          const own = new Array<number>(axes.length);
          axes.forEach((axis, k) => {
            own[axis] = index[k];
          });
          return own.reduce((offset, i, axis) => offset * shape[axis] + i, 0);
        },
      );
      const back = nd.permute(y, nd.inversePermutation(axes));
      expect(back.toTypedArray()).toEqual(x.toTypedArray());
    },
  );
  property("broadcastTo", broadcastPairs(), ({ a, out }, dtype) => {
    const x = counted(a, dtype);
    same(nd.broadcastTo(x, out), out, x, (index) => offsetOf(index, a));
  });
  property(
    "slice as Python does",
    shapes({ rank: 3, largest: 6 }).chain((shape) =>
      fc.record({ shape: fc.constant(shape), cuts: fc.tuple(...shape.map((extent) => ranges(extent))) }),
    ),
    ({ shape, cuts }, dtype) => {
      // The elements that Python's slice.indices walks over, by the definition: from start, while before stop.
      const picked = shape.map((extent, axis) => {
        const [first, last, step] = (cuts as [number | null, number | null, number][])[axis];
        const all = Array.from({ length: extent }, (_, i) => i);
        const inside = (i: number): boolean => {
          const from = first === null ? null : first < 0 ? first + extent : first;
          const to = last === null ? null : last < 0 ? last + extent : last;
          return step > 0
            ? (from === null || i >= from) && (to === null || i < to)
            : (from === null || i <= from) && (to === null || i > to);
        };
        const run = (step > 0 ? all : all.reverse()).filter(inside);
        return run.filter((_, k) => k % Math.abs(step) === 0);
      });
      const x = counted(shape, dtype);
      const resolved = shape.map((extent, axis) => nd.resolveRange("slice", (cuts as nd.SliceRange[])[axis], extent));
      same(
        nd.slice(x, resolved),
        picked.map((run) => run.length),
        x,
        (index) => index.reduce((offset, i, axis) => offset * shape[axis] + picked[axis][i], 0),
      );
    },
  );
  property(
    "pad, and slicing it off again",
    shapes({ rank: 3, largest: 4 }).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        pads: fc.tuple(...shape.map(() => fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })))),
      }),
    ),
    ({ shape, pads }, dtype) => {
      const x = counted(shape, dtype);
      const sides = pads as [number, number][];
      const y = nd.pad(x, sides, 1);
      expect([...y.shape]).toEqual(shape.map((extent, i) => extent + sides[i][0] + sides[i][1]));
      const outside =
        Array.from(y.toTypedArray()).reduce((a, b) => a + b, 0) -
        Array.from(x.toTypedArray()).reduce((a, b) => a + b, 0);
      expect(outside).toBe(y.size - x.size);
      const inner = nd.slice(
        y,
        shape.map((count, i) => ({ start: sides[i][0], count, step: 1 })),
      );
      expect(inner.toTypedArray()).toEqual(x.toTypedArray());
    },
  );
  property(
    "concat, and slicing the parts out again",
    fc.record({
      shape: shapes({ rank: 3, largest: 3 }),
      axis: fc.nat(2),
      extents: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 }),
    }),
    ({ shape, axis, extents }, dtype) => {
      const at = axis % Math.max(1, shape.length);
      if (shape.length === 0) return;
      const parts = extents.map((extent) =>
        counted(
          shape.map((own, i) => (i === at ? extent : own)),
          dtype,
        ),
      );
      const joined = nd.concat(parts, at);
      let start = 0;
      for (const part of parts) {
        const cut = nd.slice(
          joined,
          joined.shape.map((extent, i) =>
            i === at ? { start, count: part.shape[at], step: 1 } : { start: 0, count: extent, step: 1 },
          ),
        );
        expect(cut.toTypedArray()).toEqual(part.toTypedArray());
        start += part.shape[at];
      }
      expect(joined.shape[at]).toBe(start);
    },
  );
});

test("sumTo is the adjoint of broadcastTo: it counts repetitions", () => {
  fc.assert(
    fc.property(broadcastPairs(), ({ a, out }) => {
      scope(() => {
        const total = sumTo(NDArray.full(out, 1), a);
        expect([...total.shape]).toEqual(a);
        expect(new Set(total.toTypedArray())).toEqual(new Set([sizeOf(out) / sizeOf(a)]));
      });
    }),
  );
});

test("codes stay codes with their step when they move", () => {
  scope(() => {
    const x = NDArray.from([1, 2, 3, 4], [2, 2], "u8", 0.5);
    const range = { start: 0, count: 1, step: 1 };
    for (const moved of [
      nd.permute(x, [1, 0]),
      nd.broadcastTo(x, [3, 2, 2]),
      nd.slice(x, [range, range]),
      nd.pad(
        x,
        [
          [1, 0],
          [0, 0],
        ],
        0,
      ),
    ]) {
      expect(moved.step).toBe(0.5);
      expect(moved.dtype).toBe("u8");
    }
    const padded = nd.pad(
      x,
      [
        [0, 0],
        [0, 1],
      ],
      7,
    );
    expect(padded.coded).toBe(false);
    expect(Array.from(padded.toTypedArray())).toEqual([0.5, 1, 7, 1.5, 2, 7]);
  });
});
