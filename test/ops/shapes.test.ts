/** @file Ops that change shapes, against plain loops in f64, over random shapes, strides and paddings. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { avgPool1d, globalAvgPool1d, maxPool1d } from "../../src/autograd/functions/sequence.js";
import { conv1d, conv2d, convTranspose2d, layerNorm, upsample } from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, ShapeError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import type { TransposedOptions } from "../../src/ops/conv-transpose.js";

const upTo = (n: number, least = 1) => fc.integer({ min: least, max: n });
const draw = (rng: Rng, shape: readonly number[]): number[] =>
  Array.from({ length: sizeOf(shape) }, () => rng.int(17) - 8);
const of = (values: readonly number[], shape: readonly number[], dtype: "f32" | "f64" = "f32"): Tensor =>
  new Tensor(NDArray.from(values, shape, dtype));
const listed = (y: Tensor): { shape: number[]; values: number[] } => ({
  shape: [...y.shape],
  values: Array.from(y.toTypedArray(), Number),
});
/** Zeros of either sign are one number here. */
const plain = (values: readonly number[]): number[] => values.map((value) => value + 0);

describe("conv1d", () => {
  it("sums windows of whole numbers exactly, whatever stride, padding, dilation and groups", () => {
    const cases = fc.record({
      n: upTo(2),
      t: upTo(9),
      groups: upTo(3),
      inner: upTo(3),
      filters: upTo(3),
      kernel: upTo(4),
      stride: upTo(3),
      dilation: upTo(3),
      before: upTo(4, 0),
      after: upTo(4, 0),
      bias: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ n, t, groups, inner, filters, kernel, stride, dilation, before, after, bias, seed }) => {
        const span = dilation * (kernel - 1) + 1;
        fc.pre(t + before + after >= span);
        const rng = new Rng(seed);
        const [c, o] = [inner * groups, filters * groups];
        const [x, w, b] = [draw(rng, [n, t, c]), draw(rng, [o, inner, kernel]), draw(rng, [o])];
        const out = Math.floor((t + before + after - span) / stride) + 1;
        const expected: number[] = [];
        for (let i = 0; i < n; i++)
          for (let p = 0; p < out; p++)
            for (let f = 0; f < o; f++) {
              let sum = bias ? b[f] : 0;
              for (let k = 0; k < kernel; k++) {
                const at = p * stride + k * dilation - before;
                if (at < 0 || at >= t) continue;
                for (let j = 0; j < inner; j++)
                  sum += x[(i * t + at) * c + Math.floor(f / filters) * inner + j] * w[(f * inner + j) * kernel + k];
              }
              expected.push(sum);
            }
        scope(() => {
          const padding = before === after ? before : ([before, after] as const);
          const y = conv1d(of(x, [n, t, c]), of(w, [o, inner, kernel]), bias ? of(b, [o]) : null, {
            stride,
            padding,
            dilation,
            groups,
          });
          expect(listed(y)).toEqual({ shape: [n, out, o], values: plain(expected) });
        });
      }),
      { numRuns: 150 },
    );
  });
  it("gives the bits of conv2d of images of one row", () => {
    scope(() => {
      const rng = new Rng(3);
      const reals = (shape: readonly number[]) =>
        of(
          Array.from({ length: sizeOf(shape) }, () => rng.normal()),
          shape,
        );
      const [x, w] = [reals([2, 31, 5]), reals([7, 5, 4])];
      const y = conv1d(x, w, null, { stride: 2, padding: "same", dilation: 2 });
      const image = conv2d(x.reshape([2, 1, 31, 5]), w.reshape([7, 5, 1, 4]), null, {
        stride: [1, 2],
        padding: "same",
        dilation: [1, 2],
      });
      expect(listed(y).values).toEqual(listed(image).values);
    });
  });
  it("refuses what is no sequence", () => {
    scope(() => {
      const [x, w] = [of([1, 2, 3, 4], [1, 4, 1]), of([1, 1], [1, 1, 2])];
      expect(() => conv1d(x.reshape([1, 2, 2, 1]), w)).toThrow(ShapeError);
      expect(() => conv1d(x.reshape([1, 2, 2, 1]), w)).toThrow(/conv1d: input rank; expected sequences \[N,T,C\]/);
      expect(() => conv1d(x, w.reshape([1, 1, 1, 2]))).toThrow(/weight rank; expected \[O,I,K\]/);
      expect(() => conv1d(x, w, null, { padding: [1, 1, 1, 1] as never })).toThrow(ArgumentError);
      expect(() => conv1d(x, w, null, { stride: [1, 2] as never })).toThrow(ArgumentError);
      expect(() => conv1d(x, w, null, { dilation: 4 })).toThrow(/window larger than the padded input/);
    });
  });
});

describe("pools over time", () => {
  it("give the largest and the mean of every window", () => {
    const cases = fc.record({
      t: upTo(9),
      c: upTo(3),
      kernel: upTo(4),
      stride: upTo(3),
      padding: upTo(2, 0),
      dilation: upTo(3),
      ceilMode: fc.boolean(),
      count: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ t, c, kernel, stride, padding, dilation, ceilMode, count, seed }) => {
        const span = dilation * (kernel - 1) + 1;
        fc.pre(2 * padding <= span && t + 2 * padding >= span && padding <= t && (padding === 0 || dilation <= t));
        const x = draw(new Rng(seed), [2, t, c]);
        const room = (t + 2 * padding - span) / stride;
        const floor = Math.floor(room) + 1;
        const more = ceilMode && Math.ceil(room) > Math.floor(room) && floor * stride < t + padding;
        const out = more ? floor + 1 : floor;
        const options = { stride, padding, dilation, ceilMode };
        const windows = Array.from({ length: 2 * out * c }, (_, at) => {
          const [i, p, channel] = [Math.floor(at / (out * c)), Math.floor(at / c) % out, at % c];
          return Array.from({ length: kernel }, (_, k) => p * stride + k * dilation - padding)
            .filter((place) => place >= 0 && place < t)
            .map((place) => x[(i * t + place) * c + channel]);
        });
        scope(() => {
          const input = of(x, [2, t, c]);
          expect(listed(maxPool1d(input, kernel, options))).toEqual({
            shape: [2, out, c],
            values: windows.map((window) => Math.max(...window)),
          });
          const means = windows.map((window) =>
            Math.fround(window.reduce((a, b) => a + b, 0) / (count && !more ? kernel : window.length)),
          );
          if (count && more && padding > 0) {
            expect(() => avgPool1d(input, kernel, options)).toThrow(
              /ceil mode reaches beyond padding that counts; expected countIncludePad: false/,
            );
            return;
          }
          const y = avgPool1d(input, kernel, { ...options, countIncludePad: count });
          expect(plain(listed(y).values)).toEqual(plain(means));
        });
      }),
      { numRuns: 100 },
    );
  });
  it("average over all time, and keep codes", () => {
    scope(() => {
      const coded = new Tensor(NDArray.from(Uint8Array.of(1, 2, 5, 4, 3, 9), [1, 3, 2], "u8", 0.5));
      expect(listed(globalAvgPool1d(coded))).toEqual({ shape: [1, 2], values: [1.5, 2.5] });
      expect(maxPool1d(coded, 3).data.coded).toBe(true);
      expect(() => globalAvgPool1d(of([1], [1, 1]))).toThrow(/expected sequences \[N,T,C\]/);
    });
  });
});

/** The definition, element by element. */
function transposedNaively(
  {
    x,
    w,
    shape: [n, h, wide, c],
    weight: [, inner, kh, kw],
  }: {
    x: readonly number[];
    w: readonly number[];
    shape: readonly number[];
    weight: readonly number[];
  },
  {
    stride,
    padding,
    outputPadding,
    dilation,
    groups,
  }: {
    [Name in "stride" | "outputPadding" | "dilation"]: readonly [number, number];
  } & { padding: readonly [number, number, number, number]; groups: number },
): { shape: number[]; values: number[] } {
  const [top, bottom, left, right] = padding;
  const tall = (h - 1) * stride[0] - top - bottom + dilation[0] * (kh - 1) + outputPadding[0] + 1;
  const broad = (wide - 1) * stride[1] - left - right + dilation[1] * (kw - 1) + outputPadding[1] + 1;
  const o = inner * groups;
  const values = new Array<number>(Math.max(0, n * tall * broad * o)).fill(0);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < h; p++)
      for (let q = 0; q < wide; q++)
        for (let ch = 0; ch < c; ch++)
          for (let f = 0; f < inner; f++)
            for (let a = 0; a < kh; a++)
              for (let b = 0; b < kw; b++) {
                const y = p * stride[0] + a * dilation[0] - top;
                const z = q * stride[1] + b * dilation[1] - left;
                if (y < 0 || y >= tall || z < 0 || z >= broad) continue;
                const to = Math.floor(ch / (c / groups)) * inner + f;
                values[((i * tall + y) * broad + z) * o + to] +=
                  x[((i * h + p) * wide + q) * c + ch] * w[((ch * inner + f) * kh + a) * kw + b];
              }
  return { shape: [n, tall, broad, o], values };
}

describe("convTranspose2d", () => {
  const two = (most: number, least = 1) => fc.tuple(upTo(most, least), upTo(most, least));
  const cases = fc.record({
    n: upTo(2),
    size: two(4),
    groups: upTo(3),
    each: upTo(3),
    inner: upTo(3),
    kernel: two(3),
    stride: two(3),
    dilation: two(3),
    outputPadding: two(2, 0),
    padding: fc.tuple(upTo(3, 0), upTo(3, 0), upTo(3, 0), upTo(3, 0)),
    seed: fc.nat(),
  });
  it("adds every product where it belongs, by either algorithm", () => {
    fc.assert(
      fc.property(cases, ({ n, size, groups, each, inner, kernel, seed, ...options }) => {
        const { stride, dilation, outputPadding } = options;
        fc.pre([0, 1].every((axis) => outputPadding[axis] < Math.max(stride[axis], dilation[axis])));
        const rng = new Rng(seed);
        const [shape, weight] = [
          [n, ...size, each * groups],
          [each * groups, inner, ...kernel],
        ];
        const [x, w] = [draw(rng, shape), draw(rng, weight)];
        const expected = transposedNaively({ x, w, shape, weight }, { ...options, groups });
        for (const algorithm of ["direct", "fast"] as const) {
          scope(() => {
            const run = (): Tensor =>
              convTranspose2d(of(x, shape), of(w, weight), null, { ...options, groups, algorithm });
            if (expected.shape[1] < 1 || expected.shape[2] < 1) return expect(run).toThrow(ShapeError);
            const { shape: got, values } = listed(run());
            expect({ shape: got, values: plain(values) }).toEqual({ ...expected, values: plain(expected.values) });
          });
        }
      }),
      { numRuns: 150 },
    );
  });
  it("refuses output padding that is no less than stride and dilation, and weights of other channels", () => {
    scope(() => {
      const [x, w] = [of([1, 2, 3, 4], [1, 2, 2, 1]), of([1, 1, 1, 1], [1, 1, 2, 2])];
      const run = (options: TransposedOptions) => () => convTranspose2d(x, w, null, options);
      expect(run({ outputPadding: 1 })).toThrow(/outputPadding; expected less than the stride or the dilation/);
      expect(run({ outputPadding: 1, stride: 2 })).not.toThrow();
      expect(run({ groups: 2 })).toThrow(/weight does not fit/);
      expect(run({ padding: 3 })).toThrow(/padding cuts off everything/);
      expect(run({ algorithm: "slow" as never })).toThrow(ArgumentError);
      expect(() => convTranspose2d(x, w, of([1, 2], [2]))).toThrow(/bias shape/);
      expect(() => convTranspose2d(x, of([1, 1], [2, 1, 1, 1]))).toThrow(ShapeError);
    });
  });
});

describe("upsample", () => {
  it("gives PyTorch's numbers", () => {
    scope(() => {
      const x = of([1, 2, 3, 4], [1, 2, 2, 1]);
      const values = (options: Parameters<typeof upsample>[1]) => listed(upsample(x, options)).values;
      // torch.nn.functional.interpolate([[1, 2], [3, 4]], …)
      expect(values({ scale: 2 })).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
      expect(values({ scale: 2, mode: "bilinear" })).toEqual([
        1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4,
      ]);
      expect(values({ size: 3, mode: "bilinear", alignCorners: true })).toEqual([1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4]);
      expect(values({ size: [3, 1] })).toEqual([1, 1, 3]);
      expect(values({ size: [3, 1], mode: "nearest-exact" })).toEqual([2, 4, 4]);
    });
  });
  it("takes the places of the definition, for sizes and factors", () => {
    const cases = fc.record({
      h: upTo(6),
      w: upTo(6),
      size: fc.tuple(upTo(9), upTo(9)),
      factor: fc.option(fc.tuple(fc.double({ min: 0.4, max: 3, noNaN: true }), fc.constantFrom(0.5, 1, 1.5, 2, 3))),
      mode: fc.constantFrom("nearest" as const, "nearest-exact" as const, "bilinear" as const),
      alignCorners: fc.boolean(),
      c: upTo(3),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ h, w, size, factor, mode, alignCorners: align, c, seed }) => {
        const alignCorners = align && mode === "bilinear";
        const extents = factor === null ? size : [Math.floor(h * factor[0]), Math.floor(w * factor[1])];
        fc.pre(extents.every((extent) => extent > 0));
        const rng = new Rng(seed);
        const x = Array.from({ length: 2 * h * w * c }, () => rng.normal());
        const place = (p: number, axis: number): number => {
          const [own, out] = [[h, w][axis], extents[axis]];
          const scale = factor === null ? out / own : factor[axis];
          if (mode === "nearest") return Math.min(own - 1, Math.floor(factor === null ? (p * own) / out : p / scale));
          if (alignCorners) return out === 1 ? 0 : (p * (own - 1)) / (out - 1);
          const at = (p + 0.5) / scale - 0.5;
          if (mode === "nearest-exact") {
            const half = factor === null ? ((2 * p + 1) * own) / (2 * out) : at + 0.5;
            return Math.min(own - 1, Math.floor(half));
          }
          return Math.max(0, Math.min(own - 1, at));
        };
        const at = (i: number, y: number, z: number, ch: number): number => x[((i * h + y) * w + z) * c + ch];
        const expected: number[] = [];
        for (let i = 0; i < 2; i++)
          for (let p = 0; p < extents[0]; p++)
            for (let q = 0; q < extents[1]; q++)
              for (let ch = 0; ch < c; ch++) {
                const [y, z] = [place(p, 0), place(q, 1)];
                const [top, left] = [Math.floor(y), Math.floor(z)];
                const [low, far] = [Math.min(h - 1, top + 1), Math.min(w - 1, left + 1)];
                const row = (r: number): number => at(i, r, left, ch) * (1 - z + left) + at(i, r, far, ch) * (z - left);
                expected.push(row(top) * (1 - y + top) + row(low) * (y - top));
              }
        scope(() => {
          const options = factor === null ? { size: [size[0], size[1]] as const } : { scale: factor };
          const y = listed(upsample(of(x, [2, h, w, c], "f64"), { ...options, mode, alignCorners }));
          expect(y.shape).toEqual([2, ...extents, c]);
          y.values.forEach((value, i) => {
            expect(Math.abs(value - expected[i])).toBeLessThan(1e-6);
          });
        });
      }),
      { numRuns: 200 },
    );
  });
  it("keeps codes where they only move, and an infinite pixel to itself", () => {
    scope(() => {
      const coded = new Tensor(NDArray.from(Uint8Array.of(1, 2, 3, 4), [1, 2, 2, 1], "u8", 0.5));
      const near = upsample(coded, { scale: 2 });
      expect([near.data.coded, near.data.step]).toEqual([true, 0.5]);
      expect(upsample(coded, { scale: 2, mode: "bilinear" }).data.dtype).toBe("f32");
      const y = upsample(of([Number.POSITIVE_INFINITY, 1, 2, 3], [1, 1, 4, 1]), { size: [1, 8], mode: "bilinear" });
      expect(listed(y).values.slice(3)).toEqual([1.25, 1.75, 2.25, 2.75, 3]);
    });
  });
  it("refuses what names no extents, or several", () => {
    scope(() => {
      const x = of([1, 2, 3, 4], [1, 2, 2, 1]);
      expect(() => upsample(x, {})).toThrow(/expected one of size and scale, got 0/);
      expect(() => upsample(x, { size: 2, scale: 2 })).toThrow(ArgumentError);
      expect(() => upsample(x, { scale: 2, alignCorners: true })).toThrow(
        /alignCorners; expected false but for bilinear/,
      );
      expect(() => upsample(x, { scale: 0.2 })).toThrow(ShapeError);
      expect(() => upsample(x, { scale: 0 })).toThrow(ArgumentError);
      expect(() => upsample(x.reshape([2, 2]), { scale: 2 })).toThrow(/expected images \[N,H,W,C\]/);
    });
  });
});

describe("layerNorm", () => {
  it("takes away mean and deviation of the last axes", () => {
    const cases = fc.record({
      shape: fc.array(upTo(4), { minLength: 1, maxLength: 4 }),
      axes: upTo(4),
      affine: fc.constantFrom(0, 1, 2),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ shape, axes, affine, seed }) => {
        fc.pre(axes <= shape.length);
        const rng = new Rng(seed);
        const own = shape.slice(-axes);
        const size = sizeOf(own);
        const reals = (count: number): number[] => Array.from({ length: count }, () => rng.normal());
        const [x, g, b] = [reals(sizeOf(shape)), reals(size), reals(size)];
        const expected = x.map((value, i) => {
          const row = x.slice(Math.floor(i / size) * size, (Math.floor(i / size) + 1) * size);
          const mean = row.reduce((sum, v) => sum + v, 0) / size;
          const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
          const normal = (value - mean) / Math.sqrt(variance + 1e-3);
          return (affine > 0 ? normal * g[i % size] : normal) + (affine > 1 ? b[i % size] : 0);
        });
        scope(() => {
          const [gamma, beta] = [affine > 0 ? of(g, own, "f64") : null, affine > 1 ? of(b, own, "f64") : null];
          const y = listed(layerNorm(of(x, shape, "f64"), gamma, beta, { axes, eps: 1e-3 }));
          expect(y.shape).toEqual(shape);
          y.values.forEach((value, i) => {
            expect(Math.abs(value - expected[i])).toBeLessThan(1e-9);
          });
        });
      }),
      { numRuns: 100 },
    );
  });
  it("refuses vectors of other extents, and β alone", () => {
    scope(() => {
      const x = of([1, 2, 3, 4, 5, 6], [2, 3]);
      expect(() => layerNorm(x, of([1, 2], [2]))).toThrow(/layerNorm: .*weight/);
      expect(() => layerNorm(x, null, of([1, 2, 3], [3]))).toThrow(/none without gamma/);
      expect(() => layerNorm(x, null, null, { axes: 3 })).toThrow(ShapeError);
      expect(() => layerNorm(x, null, null, { eps: -1 })).toThrow(ArgumentError);
    });
  });
});
