/**
 * @file Integer products of codes in training: every path gives the exact integers, whatever the codes turn out to be.
 */
import { describe, expect, test } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { type Backend, init } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { convCodes, linearCodes } from "../../src/ndarray/convolve/codes.js";
import { convForward, convForwardCodes, packWeights } from "../../src/ndarray/convolve/conv.js";
import { linearForwardCodes, rowsTimesTransposed } from "../../src/ndarray/linear.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { type ConvolutionOptions, convolution } from "../../src/ops/conv.js";

const rng = new Rng("code products");
const WEIGHTS = {
  binary: () => 2 * rng.int(2) - 1,
  "all −1": () => -1,
  "all +1": () => 1,
  ternary: () => rng.int(3) - 1,
  "4-bit": () => rng.int(15) - 7,
  "8-bit": () => rng.int(256) - 128,
};
const drawn = (shape: number[], draw: () => number, dtype: "u8" | "i8"): NDArray =>
  NDArray.from(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw), shape, dtype);
const asF64 = (x: NDArray): NDArray => NDArray.from(Array.from(x.toTypedArray()), x.shape, "f64");
const list = (x: NDArray): number[] => Array.from(x.toTypedArray());

const convolutions: { note: string; x: number[]; w: number[]; options: ConvolutionOptions }[] = [
  { note: "3×3 on 16 channels", x: [3, 9, 8, 16], w: [16, 16, 3, 3], options: { padding: 1 } },
  { note: "3×3, stride 2, 13 filters", x: [2, 9, 12, 32], w: [13, 32, 3, 3], options: { padding: 1, stride: 2 } },
  { note: "5×5, 33 filters", x: [2, 7, 7, 16], w: [33, 16, 5, 5], options: {} },
  { note: "rows dilated", x: [1, 9, 8, 16], w: [16, 16, 3, 3], options: { padding: [2, 1], dilation: [2, 1] } },
  { note: "columns dilated", x: [1, 9, 9, 16], w: [16, 16, 3, 3], options: { padding: 2, dilation: 2 } },
  { note: "outputs too narrow for tiles", x: [9, 2, 2, 16], w: [16, 16, 3, 3], options: { padding: 1 } },
  { note: "5 channels", x: [2, 7, 6, 5], w: [20, 5, 3, 3], options: { padding: 1 } },
  { note: "1×1", x: [2, 5, 4, 20], w: [17, 20, 1, 1], options: {} },
  { note: "few filters", x: [2, 7, 6, 16], w: [5, 16, 3, 3], options: { padding: 1 } },
];

describe.each<Backend>(["wasm", "reference"])("on the %s backend", (backend) => {
  for (const { note, x, w, options } of convolutions) {
    for (const [kind, draw] of Object.entries(WEIGHTS)) {
      test(`${note}, ${kind} weights: the exact integers for codes of any size`, () => {
        init({ backend });
        for (const top of [1, 15, 16, 255]) {
          scope(() => {
            const weight = drawn(w, draw, "i8");
            const conv = convolution("conv2d", x, w, options);
            const mixed = drawn(x, () => rng.int(top), "u8");
            setLast(mixed, top);
            for (const input of [mixed, NDArray.full(x, top, "u8")]) {
              const exact = list(convForward(asF64(input), packWeights(asF64(weight)), conv));
              const y = convForwardCodes(input, weight, conv);
              expect(list(y)).toEqual(exact);
              expect(y.dtype).toBe("f32");
              expect(convCodes(input, weight, y, conv)).toBe(true);
            }
          });
        }
      });
    }
  }

  for (const [rows, columns, filters] of [
    [7, 300, 20],
    [1, 64, 16],
    [9, 17, 12],
    [5, 1100, 10],
  ]) {
    for (const [kind, draw] of Object.entries(WEIGHTS)) {
      test(`${rows}×${columns} by ${filters} rows of ${kind} weights`, () => {
        init({ backend });
        for (const top of [1, 15, 16, 255]) {
          scope(() => {
            const weight = drawn([filters, columns], draw, "i8");
            const mixed = drawn([rows, columns], () => rng.int(top), "u8");
            setLast(mixed, top);
            for (const x of [mixed, NDArray.full([rows, columns], top, "u8")]) {
              const y = linearForwardCodes(x, weight);
              expect(list(y)).toEqual(list(rowsTimesTransposed(asF64(x), asF64(weight))));
              expect(linearCodes(x, weight, y)).toBe(true);
            }
          });
        }
      });
    }
  }

  test("operands that the integer kernels do not take leave the output alone", () => {
    init({ backend });
    scope(() => {
      const x = drawn([2, 5, 5, 4], () => rng.int(16), "u8");
      const grouped = convolution("conv2d", [2, 5, 5, 4], [4, 2, 3, 3], { groups: 2 });
      const y = NDArray.full([2, 3, 3, 4], 7);
      const weight = drawn([4, 2, 3, 3], WEIGHTS.binary, "i8");
      expect(convCodes(x, weight, y, grouped)).toBe(false);
      expect(
        linearCodes(
          drawn([3, 15], () => 1, "u8"),
          drawn([2, 15], WEIGHTS.binary, "i8"),
          y,
        ),
      ).toBe(false);
      expect(list(y).every((value) => value === 7)).toBe(true);
    });
  });
});

/** Sets the last element: one code alone has the largest value, in the last place. */
function setLast(x: NDArray, value: number): void {
  x.view()[x.size - 1] = value;
}
