/** @file Products on codes: exact integers, and gradients that take codes as they are. */
import { describe, expect, test } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { convBackwardWeight, convForward, convForwardCodes, packWeights } from "../../src/ndarray/convolve/conv.js";
import { linearForwardCodes, rowsTimesTransposed, transposedTimesRows } from "../../src/ndarray/linear.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { avgPool, maxPool } from "../../src/ndarray/pool.js";
import { windowGeometry } from "../../src/ndarray/window.js";
import { type ConvolutionOptions, convolution } from "../../src/ops/conv.js";

const rng = new Rng("codes");
const codes = (shape: number[], lo: number, hi: number, dtype: "u8" | "i8", step: number | null = null): NDArray =>
  NDArray.from(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => lo + rng.int(hi - lo + 1)),
    shape,
    dtype,
    step,
  );
const asF64 = (x: NDArray): NDArray => NDArray.from(Array.from(x.toTypedArray()), x.shape, "f64");
const list = (x: NDArray): number[] => Array.from(x.toTypedArray());

const layers: { note: string; x: number[]; w: number[]; options: ConvolutionOptions }[] = [
  { note: "3×3", x: [2, 6, 5, 4], w: [5, 4, 3, 3], options: { padding: 1 } },
  { note: "1×1", x: [2, 4, 4, 8], w: [3, 8, 1, 1], options: {} },
  { note: "groups", x: [1, 6, 5, 4], w: [4, 2, 3, 3], options: { groups: 2, stride: 2, padding: "same" } },
  { note: "depthwise", x: [2, 6, 5, 4], w: [8, 1, 3, 3], options: { groups: 4, padding: 1 } },
  { note: "5×5 on pixels", x: [1, 9, 9, 1], w: [3, 1, 5, 5], options: {} },
];

describe("convolution of codes", () => {
  for (const { note, x, w, options } of layers) {
    test(`${note}: accumulators are the exact integers`, () => {
      scope(() => {
        const input = codes(x, 0, 255, "u8", 0.125);
        const weight = codes(w, -7, 7, "i8");
        const conv = convolution("conv2d", x, w, options);
        const exact = convForward(asF64(input), packWeights(asF64(weight)), conv);
        expect(list(convForwardCodes(input, weight, conv))).toEqual(list(exact));
      });
    });
    test(`${note}: the weight gradient of codes is step times that of the codes`, () => {
      scope(() => {
        const step = Math.fround(0.1946);
        const input = codes(x, 0, 15, "u8", step);
        const conv = convolution("conv2d", x, w, options);
        const y = convForwardCodes(input, codes(w, -1, 1, "i8"), conv);
        // Whole-number dy: the sums are exact, so that one rounding, by the step, is left.
        const dy = NDArray.from(
          list(y).map((_, i) => ((i * 7) % 11) - 5),
          y.shape,
        );
        const exact = convBackwardWeight(asF64(input), asF64(dy), conv);
        expect(list(convBackwardWeight(input, dy, conv))).toEqual(list(exact).map((sum) => Math.fround(step * sum)));
      });
    });
  }
});

describe("rows of codes", () => {
  test("accumulators are the exact integers", () => {
    scope(() => {
      const [x, w] = [codes([7, 300], 0, 15, "u8", 0.5), codes([11, 300], -1, 1, "i8")];
      expect(list(linearForwardCodes(x, w))).toEqual(list(rowsTimesTransposed(asF64(x), asF64(w))));
    });
  });
  test("the weight gradient is step times that of the codes", () => {
    scope(() => {
      const x = codes([9, 20], 0, 15, "u8", 0.375);
      const dy = NDArray.from(
        Array.from({ length: 9 * 4 }, (_, i) => (i % 7) - 3),
        [9, 4],
      );
      const exact = list(transposedTimesRows(asF64(dy), asF64(x)));
      expect(list(transposedTimesRows(dy, x))).toEqual(exact.map((sum) => Math.fround(0.375 * sum)));
    });
  });
});

describe("pools of codes", () => {
  test("the largest code is the code of the largest value", () => {
    scope(() => {
      const x = codes([2, 6, 5, 3], 0, 15, "u8", 0.25);
      const geometry = windowGeometry("maxPool2d", x.shape, [3, 3], { stride: 2, padding: 1 });
      const { y, index } = maxPool(x, geometry);
      const real = maxPool(x.dequantize(), geometry);
      expect(y.step).toBe(0.25);
      expect(list(y).map((code) => 0.25 * code)).toEqual(list(real.y));
      expect(list(index)).toEqual(list(real.index));
    });
  });
  test("the average is f32(step · f32(Σ codes / count))", () => {
    scope(() => {
      const step = Math.fround(0.1);
      const x = codes([2, 7, 7, 3], 0, 255, "u8", step);
      const geometry = windowGeometry("avgPool2d", x.shape, [7, 7], {});
      const values = list(x);
      const expected = [0, 1].flatMap((n) =>
        [0, 1, 2].map((c) => {
          let sum = 0;
          for (let i = 0; i < 49; i++) sum += values[(n * 49 + i) * 3 + c];
          return Math.fround(step * Math.fround(sum / 49));
        }),
      );
      expect(list(avgPool(x, geometry, true))).toEqual(expected);
    });
  });
});
