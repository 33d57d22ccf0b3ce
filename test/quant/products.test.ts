/**
 * @file Quantized convolution and linear layers: forward against an integer oracle bit for bit, backward against naive
 * loops at δq.
 */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { DTypeError, GradientError, ShapeError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Conv2d, type Conv2dOptions } from "../../src/nn/conv.js";
import { Linear } from "../../src/nn/linear.js";
import { type Granularity, projectionFor, QuantConv2d, QuantLinear } from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const SEED = 977;
const { fround } = Math;

/** A coded tensor of random codes 0…top. */
function coded(rng: Rng, shape: number[], top: number, step: number): Tensor {
  const array = NDArray.empty(shape, "u8", fround(step));
  const view = array.view();
  for (let i = 0; i < view.length; i++) view[i] = rng.int(top + 1);
  return new Tensor(array, true);
}

interface ConvCase {
  input: [n: number, h: number, w: number, c: number];
  out: number;
  kernel: [number, number];
  options: Conv2dOptions & { stride?: number; padding?: number; dilation?: number };
}

const CASES: [string, ConvCase][] = [
  ["3×3, padding 1", { input: [2, 5, 4, 3], out: 4, kernel: [3, 3], options: { padding: 1 } }],
  ["5×5, no padding", { input: [1, 7, 7, 2], out: 3, kernel: [5, 5], options: {} }],
  [
    "strided, dilated",
    { input: [2, 9, 8, 2], out: 5, kernel: [2, 3], options: { stride: 2, padding: 2, dilation: 2 } },
  ],
  ["grouped", { input: [2, 4, 4, 6], out: 4, kernel: [3, 3], options: { groups: 2, padding: 1 } }],
  ["depthwise", { input: [2, 5, 5, 4], out: 4, kernel: [3, 3], options: { groups: 4, padding: 1 } }],
  ["pointwise", { input: [3, 3, 3, 8], out: 5, kernel: [1, 1], options: {} }],
];

/** Calls `visit(y index, x index, w index)` for every product of a convolution. */
function eachTap(
  { input: [N, H, W, C], out: O, kernel: [kh, kw], options }: ConvCase,
  visit: (y: number, x: number, w: number) => void,
): number[] {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const P = Math.floor((H + 2 * padding - dilation * (kh - 1) - 1) / stride) + 1;
  const Q = Math.floor((W + 2 * padding - dilation * (kw - 1) - 1) / stride) + 1;
  const inner = C / groups;
  for (let n = 0; n < N; n++)
    for (let p = 0; p < P; p++)
      for (let q = 0; q < Q; q++)
        for (let o = 0; o < O; o++)
          for (let i = 0; i < inner; i++)
            for (let a = 0; a < kh; a++)
              for (let b = 0; b < kw; b++) {
                const h = p * stride + a * dilation - padding;
                const w = q * stride + b * dilation - padding;
                if (h < 0 || w < 0 || h >= H || w >= W) continue;
                const c = Math.floor(o / (O / groups)) * inner + i;
                visit(
                  ((n * P + p) * Q + q) * O + o,
                  ((n * H + h) * W + w) * C + c,
                  ((o * inner + i) * kh + a) * kw + b,
                );
              }
  return [N, P, Q, O];
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const close = (got: ArrayLike<number>, expected: ArrayLike<number>): void => {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) {
    expect(Math.abs(got[i] - expected[i]), `element ${i}`).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(expected[i])));
  }
};

describe.each(CASES)("QuantConv2d %s", (_, spec) => {
  const setups = [1, 2, 4, 8].flatMap((bits) =>
    (["layer", "channel"] as const).flatMap((granularity) =>
      [true, false].map((bias) => ({ bits, granularity, bias })),
    ),
  );
  it.each(setups)("W$bits per $granularity, bias $bias", ({ bits, granularity, bias }) => {
    const rng = new Rng(SEED + bits);
    const conv = new Conv2d(spec.input[3], spec.out, spec.kernel, { ...spec.options, bias, rng });
    const layer = disposeLater(new QuantConv2d(conv, { weights: bits, granularity: granularity as Granularity }));
    scope(() => {
      const x = coded(rng, spec.input, 15, 0.1946);
      const y = layer.forward(x);
      const { codes, delta } = layer.weight.quantized();
      const shape = eachTap(spec, () => undefined);
      expect(y.shape).toEqual(shape);
      // Integer oracle, then the very f32 operations of the contract.
      const acc = new Array<number>(size(shape)).fill(0);
      const [xc, wc] = [x.data.toTypedArray(), codes.toTypedArray()];
      eachTap(spec, (i, j, k) => {
        acc[i] += xc[j] * wc[k];
      });
      const biases = layer.bias?.toTypedArray();
      const expected = acc.map((sum, i) => {
        const o = i % spec.out;
        const s = fround(delta[granularity === "layer" ? 0 : o] * fround(0.1946));
        const z = fround(sum * s);
        return biases === undefined ? z + 0 : fround(z + biases[o]);
      });
      expect([...y.toTypedArray()]).toEqual(expected);

      const dy = Array.from({ length: size(shape) }, () => fround(rng.normal()));
      y.backward(new Tensor(NDArray.from(dy, shape, "f32")));
      const weights = Array.from(wc, (code, k) => {
        const row = Math.floor(k / (wc.length / spec.out));
        return fround(delta[granularity === "layer" ? 0 : row] * code);
      });
      const dx = new Array<number>(x.size).fill(0);
      const dw = new Array<number>(wc.length).fill(0);
      eachTap(spec, (i, j, k) => {
        dx[j] += dy[i] * weights[k];
        dw[k] += dy[i] * fround(fround(0.1946) * xc[j]);
      });
      close((x.grad as Tensor).toTypedArray(), dx);
      close((layer.weight.grad as Tensor).toTypedArray(), dw);
      if (layer.bias !== null) {
        const db = new Array<number>(spec.out).fill(0);
        dy.forEach((value, i) => {
          db[i % spec.out] += value;
        });
        close((layer.bias.grad as Tensor).toTypedArray(), db);
      }
    });
  });
});

describe("QuantLinear", () => {
  it.each([1, 2, 3, 4, 8])("W%i forward bit for bit, backward at δq", (bits) => {
    for (const granularity of ["layer", "channel"] as const) {
      const rng = new Rng(SEED + bits);
      const layer = disposeLater(new QuantLinear(new Linear(37, 6, { rng }), { weights: bits, granularity }));
      scope(() => {
        const x = coded(rng, [5, 37], 255, 1 / 255);
        const y = layer.forward(x);
        const { codes, delta } = layer.weight.quantized();
        const [xc, wc] = [x.data.toTypedArray(), codes.toTypedArray()];
        const step = (o: number): number => delta[granularity === "layer" ? 0 : o];
        const biases = layer.bias?.toTypedArray() as Float32Array;
        const expected: number[] = [];
        for (let n = 0; n < 5; n++)
          for (let o = 0; o < 6; o++) {
            let acc = 0;
            for (let i = 0; i < 37; i++) acc += xc[n * 37 + i] * wc[o * 37 + i];
            expected.push(fround(fround(acc * fround(step(o) * fround(1 / 255))) + biases[o]));
          }
        expect([...y.toTypedArray()]).toEqual(expected);

        const dy = Array.from({ length: 30 }, () => fround(rng.normal()));
        y.backward(new Tensor(NDArray.from(dy, [5, 6], "f32")));
        const dx = new Array<number>(5 * 37).fill(0);
        const dw = new Array<number>(6 * 37).fill(0);
        for (let n = 0; n < 5; n++)
          for (let o = 0; o < 6; o++)
            for (let i = 0; i < 37; i++) {
              dx[n * 37 + i] += dy[n * 6 + o] * fround(step(o) * wc[o * 37 + i]);
              dw[o * 37 + i] += dy[n * 6 + o] * fround(fround(1 / 255) * xc[n * 37 + i]);
            }
        close((x.grad as Tensor).toTypedArray(), dx);
        close((layer.weight.grad as Tensor).toTypedArray(), dw);
      });
    }
  });
});

describe("both layers", () => {
  const rng = (): Rng => new Rng(SEED);
  it("take real inputs as they are", () => {
    const layer = disposeLater(new QuantLinear(new Linear(8, 3, { rng: rng() }), { weights: 2 }));
    const conv = disposeLater(new QuantConv2d(new Conv2d(2, 3, 3, { rng: rng() }), { weights: 4 }));
    scope(() => {
      const x = coded(rng(), [4, 8], 15, 0.25);
      const real = new Tensor(x.value.clone());
      close(layer.forward(real).toTypedArray(), layer.forward(x).toTypedArray());
      const image = coded(rng(), [1, 5, 5, 2], 15, 0.25);
      close(conv.forward(new Tensor(image.value.clone())).toTypedArray(), conv.forward(image).toTypedArray());
    });
  });
  it("give +0, never −0, for an empty sum", () => {
    const layer = disposeLater(new QuantLinear(new Linear(4, 2, { bias: false, rng: rng() }), { weights: 1 }));
    scope(() => {
      const y = layer.forward(new Tensor(NDArray.from([0, 0, 0, 0], [1, 4], "u8", 0.5)));
      expect([...y.toTypedArray()].every((value) => Object.is(value, 0))).toBe(true);
    });
  });
  it("are exact at the largest sums of 2^24", () => {
    // 255·127·518 < 2^24: every code at its top.
    const n = 518;
    const linear = new Linear(n, 1, { bias: false, rng: rng() });
    linear.weight.set(new Float32Array(n).fill(0.5));
    const layer = disposeLater(new QuantLinear(linear, { weights: projectionFor(8) }));
    scope(() => {
      const x = new Tensor(NDArray.full([1, n], 255, "u8").alias([1, n], 1));
      const { delta, codes } = layer.weight.quantized();
      expect(codes.view()[0]).toBe(127);
      expect(layer.forward(x).item()).toBe(fround(255 * 127 * n * delta[0]));
    });
  });
  it("refuse f64 and codes without a step", () => {
    const layer = disposeLater(new QuantLinear(new Linear(4, 2, { rng: rng() }), { weights: 1 }));
    const conv = disposeLater(new QuantConv2d(new Conv2d(1, 2, 3, { rng: rng() }), { weights: 1 }));
    scope(() => {
      expect(() => layer.forward(new Tensor(NDArray.zeros([1, 4], "f64")))).toThrow(DTypeError);
      expect(() => layer.forward(new Tensor(NDArray.zeros([1, 4], "u8")))).toThrow(DTypeError);
      expect(() => layer.forward(new Tensor(NDArray.zeros([1, 5])))).toThrow(
        "quantLinear: feature mismatch; expected weight [O,5] for input [1,5], got [2,4]; the layout of the weight is [out, in]",
      );
      expect(() => conv.forward(new Tensor(NDArray.zeros([1, 5, 5, 2])))).toThrow(ShapeError);
    });
  });
  it("backward refuses a graph whose weights were projected anew since", () => {
    const layer = disposeLater(new QuantLinear(new Linear(4, 2, { rng: rng() }), { weights: 1 }));
    scope(() => {
      const x = new Tensor(NDArray.full([1, 4], 1), true);
      const y = layer.forward(x).sum();
      layer.weight.set(new Float32Array(8).fill(-1));
      layer.weight.quantized();
      expect(() => y.backward()).toThrow(GradientError);
    });
  });
});
