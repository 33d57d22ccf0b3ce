/** @file Elementwise arithmetic, reductions and conversion against scalar definitions, over random shapes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalizeAxes, sizeOf } from "../../src/core/shape.js";
import { scope } from "../../src/memory/scope.js";
import { convert } from "../../src/ndarray/convert.js";
import * as nd from "../../src/ndarray/elementwise.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { argReduce, flatPositions, reduceAxes, reducedShape } from "../../src/ndarray/reduce.js";
import { arrays, broadcastPairs, indicesOf, offsetOf, shapes } from "../arbitraries.js";

const f = Math.fround;
const list = (a: NDArray): number[] => Array.from(a.toTypedArray());
const counted = (shape: readonly number[], salt: number): NDArray =>
  NDArray.from(
    Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 37 + salt) % 19) - 9),
    shape,
  );

describe("broadcasting", () => {
  const kernels = {
    f32_add: (a, b) => f(a + b),
    f32_sub: (a, b) => f(a - b),
    f32_mul: (a, b) => f(a * b),
    f32_div: (a, b) => f(a / b),
    f32_maximum: Math.max,
    f32_minimum: Math.min,
  } satisfies Partial<Record<nd.BinaryKernel, (a: number, b: number) => number>>;
  for (const [kernel, scalar] of Object.entries(kernels) as [nd.BinaryKernel, (a: number, b: number) => number][]) {
    test(kernel, () => {
      fc.assert(
        fc.property(broadcastPairs(), ({ a, b, out }) => {
          scope(() => {
            const [left, right] = [counted(a, 3), counted(b, 8)];
            const y = nd.binary(kernel, left, right);
            expect([...y.shape]).toEqual(out);
            const [l, r] = [list(left), list(right)];
            expect(list(y)).toEqual(
              indicesOf(out).map((index) => scalar(l[offsetOf(index, a)], r[offsetOf(index, b)])),
            );
          });
        }),
      );
    });
  }
  test("of empty arrays is empty", () => {
    scope(() => {
      const y = nd.add(NDArray.zeros([2, 0, 3]), NDArray.zeros([3]));
      expect([...y.shape]).toEqual([2, 0, 3]);
      expect([...nd.compare("f32_lt", NDArray.zeros([0]), NDArray.zeros([1])).shape]).toEqual([0]);
    });
  });
  test("comparisons of integers and of f32 with f64 are exact", () => {
    scope(() => {
      const big = NDArray.from([16777217, 16777216], [2], "i32");
      const near = NDArray.from([16777216, 16777216], [2], "f32");
      expect(list(nd.compare("f32_eq", big, near))).toEqual([0, 1]);
      expect(list(nd.compare("f32_gt", big, near))).toEqual([1, 0]);
      expect(list(nd.compare("f32_eq", NDArray.from([0.1], [1], "f32"), NDArray.from([0.1], [1], "f64")))).toEqual([0]);
    });
  });
});

describe("reductions", () => {
  const cases = shapes({ rank: 4, largest: 4 }).chain((shape) =>
    fc.record({ shape: fc.constant(shape), axes: fc.subarray(shape.map((_, i) => i)), keepDims: fc.boolean() }),
  );
  const groups = (shape: number[], axes: number[]): number[][] => {
    const kept = reducedShape(shape, axes, true);
    const out: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
    indicesOf(shape).forEach((index, i) => {
      out[offsetOf(index, kept)].push(i);
    });
    return out;
  };
  test("sum adds whole numbers exactly", () => {
    fc.assert(
      fc.property(cases, ({ shape, axes, keepDims }) => {
        scope(() => {
          const x = counted(shape, 1);
          const y = reduceAxes("f32_sum", x, axes, keepDims);
          expect([...y.shape]).toEqual(reducedShape(shape, axes, keepDims));
          const values = list(x);
          expect(list(y)).toEqual(groups(shape, axes).map((places) => places.reduce((sum, i) => sum + values[i], 0)));
        });
      }),
      { numRuns: 300 },
    );
  });
  test("extrema and the first place where they are", () => {
    fc.assert(
      fc.property(cases, ({ shape, axes }) => {
        if (sizeOf(shape) === 0) return;
        scope(() => {
          const x = counted(shape, 5);
          const values = list(x);
          const first = (pick: (...all: number[]) => number): number[] =>
            groups(shape, axes).map((places) => {
              const best = pick(...places.map((i) => values[i]));
              return places.find((i) => values[i] === best) as number;
            });
          for (const [name, pick] of [
            ["max", Math.max],
            ["min", Math.min],
          ] as const) {
            const places = first(pick);
            expect(list(reduceAxes(`f32_${name}`, x, axes))).toEqual(places.map((i) => values[i]));
            expect(list(flatPositions(argReduce(`f32_arg${name}`, x, axes), shape, axes))).toEqual(places);
          }
        });
      }),
      { numRuns: 300 },
    );
  });
  test("NaN is the extremum", () => {
    scope(() => {
      const x = NDArray.from([1, Number.NaN, 5, 2, 0, 7], [2, 3]);
      expect(list(reduceAxes("f32_max", x, [1]))).toEqual([Number.NaN, 7]);
      expect(list(argReduce("f32_argmax", x, [1]))).toEqual([1, 2]);
      expect(list(argReduce("f32_argmin", x, [1]))).toEqual([1, 1]);
    });
  });
  test("argmax of integers is exact", () => {
    scope(() => {
      expect(list(argReduce("f32_argmax", NDArray.from([16777216, 16777217], [2], "i32"), [0]))).toEqual([1]);
      expect(normalizeAxes("argmax", -1, 2)).toEqual([1]);
    });
  });
});

describe("conversion", () => {
  const reals = [0, -0.9, 0.9, 1.5, -1.5, 127.9, 255.9, 256, -129, 3e9, -3e9, Number.NaN, Number.POSITIVE_INFINITY];
  const whole = (lo: number, hi: number): number[] =>
    reals.map((x) => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), lo), hi) + 0));
  test.each([
    ["i32", whole(-(2 ** 31), 2 ** 31 - 1)],
    ["u8", whole(0, 255)],
    ["i8", whole(-128, 127)],
    ["bool", reals.map((x) => (x !== 0 ? 1 : 0))],
    ["f32", reals.map(f)],
  ] as const)("f64 to %s truncates, saturates and takes NaN for 0", (dtype, expected) => {
    scope(() => {
      expect(list(convert(NDArray.from(reals, [reals.length], "f64"), dtype))).toEqual(expected);
      if (dtype !== "f32") expect(list(convert(NDArray.from(reals, [reals.length], "f32"), dtype))).toEqual(expected);
    });
  });
  test("integers to reals and to each other", () => {
    scope(() => {
      const x = NDArray.from([-200, 0, 3, 300], [4], "i32");
      for (const dtype of ["f32", "f64"] as const) expect(list(convert(x, dtype))).toEqual([-200, 0, 3, 300]);
      expect(list(convert(x, "u8"))).toEqual([0, 0, 3, 255]);
      expect(list(convert(x, "bool"))).toEqual([1, 0, 1, 1]);
      expect(list(convert(NDArray.from([-3, 4], [2], "i8"), "f32"))).toEqual([-3, 4]);
      expect(list(convert(NDArray.from([0, 1], [2], "bool"), "f64"))).toEqual([0, 1]);
    });
  });
  test("of codes the real values are converted, f32(step·code)", () => {
    scope(() => {
      const x = NDArray.from([1, 2, 255], [3], "u8", f(1 / 255));
      expect(list(convert(x, "f32"))).toEqual([1, 2, 255].map((code) => f(f(1 / 255) * code)));
      expect(list(convert(x, "i32"))).toEqual([0, 0, 1]);
    });
  });
});

test("an array holds what it was made of", () => {
  fc.assert(
    fc.property(arrays(), ({ shape, values }) => {
      scope(() => expect(list(NDArray.from(values, shape))).toEqual(values.map(f)));
    }),
  );
});

test("a bool of any byte but 0 is true, and true is 1 in every other type", () => {
  scope(() => {
    const mask = NDArray.empty([6], "bool");
    mask.view().set([0, 1, 2, 0, 255, 128]);
    for (const dtype of ["f32", "f64", "i32", "u8", "i8"] as const) {
      expect(Array.from(convert(mask, dtype).view()), dtype).toEqual([0, 1, 1, 0, 1, 1]);
    }
  });
});
