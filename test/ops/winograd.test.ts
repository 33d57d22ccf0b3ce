/**
 * @file Convolutions by Winograd's algorithm: gradients are adjoints of forward, forward is close to the direct sums.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conv2d } from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { suitsWinograd } from "../../src/kernels/choose.js";
import { scope } from "../../src/memory/index.js";
import { convert } from "../../src/ndarray/convert.js";
import { convBackwardInput, convBackwardWeight, convForward, packWeights } from "../../src/ndarray/convolve/conv.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Conv2d } from "../../src/nn/index.js";
import { convolution } from "../../src/ops/conv.js";

type Real = "f32" | "f64";

function filled(rng: Rng, shape: readonly number[], dtype: Real): NDArray {
  const values = new Float64Array(shape.reduce((a, b) => a * b, 1));
  rng.fillUniform(values, -1, 1);
  return convert(NDArray.from(values, shape), dtype);
}

function dot(a: NDArray, b: NDArray): number {
  const [x, y] = [a.toTypedArray(), b.toTypedArray()];
  expect(x.length).toBe(y.length);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

interface Case {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filters: number;
  readonly kernel: number;
  readonly padding: readonly [number, number, number, number];
}

function operands({ batch, height, width, channels, filters, kernel, padding }: Case, rng: Rng, dtype: Real) {
  const x = filled(rng, [batch, height, width, channels], dtype);
  const w = filled(rng, [filters, channels, kernel, kernel], dtype);
  const conv = convolution("conv2d", x.shape, w.shape, { padding });
  const y = convForward(x, packWeights(w), conv);
  return { x, w, conv, y, dy: filled(rng, y.shape, dtype) };
}

const cases: fc.Arbitrary<Case> = fc.record({
  batch: fc.constantFrom(1, 3),
  height: fc.constantFrom(7, 8, 11, 12),
  width: fc.constantFrom(8, 10, 12),
  channels: fc.constantFrom(8, 12),
  filters: fc.constantFrom(8, 16),
  kernel: fc.constantFrom(3, 5),
  padding: fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(1, 2), fc.constantFrom(0, 2), fc.constantFrom(1, 0)),
});

describe("gradients by Winograd's algorithm", () => {
  it("are adjoints of forward, to the last digits in f64", () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.nat(1_000_000), cases, (seed, drawn) =>
        scope(() => {
          const { x, w, conv, y, dy } = operands(drawn, new Rng(seed), "f64");
          if (!suitsWinograd(conv, drawn.filters)) return;
          taken++;
          const want = dot(y, dy);
          const tolerance = 1e-9 * Math.sqrt(y.size);
          expect(Math.abs(dot(x, convBackwardInput(dy, packWeights(w), conv)) - want)).toBeLessThan(tolerance);
          expect(Math.abs(dot(w, convBackwardWeight(x, dy, conv)) - want)).toBeLessThan(tolerance);
        }),
      ),
      { numRuns: 30 },
    );
    expect(taken).toBeGreaterThan(15);
  });

  // Enough tiles for several chunks, the last one short.
  const large = { batch: 9, height: 18, width: 17, channels: 64, filters: 32, padding: [1, 1, 1, 1] as const };

  it.each([3, 5])("stay close to the f64 gradients in f32 over many chunks, side %i", (kernel) => {
    scope(() => {
      const small = { ...large, channels: 16, kernel };
      const { x, w, conv, dy } = operands(small, new Rng(`close ${kernel}`), "f32");
      expect(suitsWinograd(conv, small.filters)).toBe(true);
      const wide = { x: convert(x, "f64"), w: convert(w, "f64"), dy: convert(dy, "f64") };
      const pairs = [
        [convBackwardInput(dy, packWeights(w), conv), convBackwardInput(wide.dy, packWeights(wide.w), conv)],
        [convBackwardWeight(x, dy, conv), convBackwardWeight(wide.x, wide.dy, conv)],
      ];
      for (const [got, want] of pairs) {
        const [a, b] = [got.toTypedArray(), want.toTypedArray()];
        const most = Math.max(...Array.from(b, Math.abs));
        for (let i = 0; i < b.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThan(3e-5 * most);
      }
    });
  });

  it("take codes as the whole numbers they are, then the step", () => {
    scope(() => {
      const { x, conv, dy } = operands({ ...large, kernel: 3 }, new Rng("codes"), "f32");
      const codes = Uint8Array.from(x.toTypedArray(), (value) => Math.floor((value + 1) * 7.5));
      const coded = NDArray.from(codes, x.shape, "u8", 0.5);
      const real = NDArray.from(Float32Array.from(codes), x.shape);
      const got = convBackwardWeight(coded, dy, conv).toTypedArray();
      const want = convBackwardWeight(real, dy, conv).toTypedArray();
      expect(got).toEqual(want.map((value) => value * 0.5));
    });
  });
});

describe("forward by Winograd's algorithm", () => {
  const taken = (fast: NDArray, direct: NDArray) => {
    const [a, b] = [fast.toTypedArray(), direct.toTypedArray()];
    return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]))) / Math.max(...Array.from(b, Math.abs));
  };

  it("is the direct convolution, to the last digits in f64 and closely in f32", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), cases, (seed, drawn) =>
        scope(() => {
          for (const [dtype, tolerance] of [
            ["f64", 1e-13],
            ["f32", 2e-5],
          ] as const) {
            const { x, w, conv, y } = operands(drawn, new Rng(seed), dtype);
            if (!suitsWinograd(conv, drawn.filters)) return;
            expect(taken(convForward(x, packWeights(w), conv, true), y)).toBeLessThan(tolerance);
          }
        }),
      ),
      { numRuns: 20 },
    );
  });

  it("is taken in training only: evaluation has the direct sums to the bit", () => {
    scope(() => {
      const rng = new Rng("modes");
      const layer = new Conv2d(8, 8, 3, { padding: 1, rng });
      const x = new Tensor(filled(rng, [2, 12, 12, 8], "f32"));
      const direct = conv2d(x, layer.weight, layer.bias, { padding: 1 }).data.toTypedArray();
      expect(layer.eval().forward(x).data.toTypedArray()).toEqual(direct);
      const fast = layer.train().forward(x).data.toTypedArray();
      expect(fast).not.toEqual(direct);
      for (let i = 0; i < fast.length; i++) expect(Math.abs(fast[i] - direct[i])).toBeLessThan(1e-4);
      layer.dispose();
    });
  });
});
