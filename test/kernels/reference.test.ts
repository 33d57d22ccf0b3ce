/** @file The twins in f64: no rounding to f32 anywhere, and adjoint pairs are adjoint. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { referenceKernels } from "../../src/kernels/reference.js";
import { Heap } from "../../src/memory/heap.js";

const heap = new Heap({ wasm: false, initialBytes: 1 << 20 });
const kernels = referenceKernels(heap, "f64");
const [A, B, C, D, GEOMETRY] = [64, 1 << 17, 1 << 18, 3 << 17, 1 << 19];

function fill(rng: Rng, ptr: number, n: number): Float64Array {
  const x = heap.f64(ptr, n);
  rng.fillUniform(x, -1, 1);
  // Full f64 mantissas: a rounding to f32 in between would show.
  return x.map((v, i) => {
    x[i] = v / 3;
    return x[i];
  });
}
const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
};

describe("f64 twins", () => {
  const rng = new Rng("f64 twins");

  it("keep all 53 bits through matrix product, normalization and softmax", () => {
    const a = fill(rng, A, 6);
    const b = fill(rng, B, 6);
    kernels.f32_gemm(A, B, C, 2, 2, 3, 0, 0, 0, 0, 2, 0, 2, 0);
    expect(heap.f64(C, 4)[3]).toBeCloseTo(a[3] * b[1] + a[4] * b[3] + a[5] * b[5], 14);
    kernels.f32_softmax(A, C, 1, 6);
    expect(heap.f64(C, 6).reduce((s, v) => s + v, 0)).toBeCloseTo(1, 14);
    kernels.f32_log_softmax(A, D, 1, 6);
    kernels.f32_exp(D, D, 6);
    heap.f64(D, 6).forEach((v, i) => {
      expect(v).toBeCloseTo(heap.f64(C, 6)[i], 14);
    });
    kernels.f32_channel_mean(A, 6, 1, C);
    kernels.f32_channel_variance(A, 6, 1, C, D);
    const mean = a.reduce((s, v) => s + v, 0) / 6;
    expect(heap.f64(C, 1)[0]).toBeCloseTo(mean, 15);
    expect(heap.f64(D, 1)[0]).toBeCloseTo(a.reduce((s, v) => s + (v - mean) * (v - mean), 0) / 6, 15);
    kernels.f32_scale_shift(A, C, 6, 1 / 3, 0.1);
    expect(heap.f64(C, 6)[5]).toBe(a[5] * (1 / 3) + 0.1);
  });

  const drawn = fc.record({
    size: fc.constantFrom(3, 5, 8),
    channels: fc.constantFrom(1, 3, 4),
    kernel: fc.constantFrom(1, 2, 3),
    stride: fc.constantFrom(1, 2),
    pad: fc.constantFrom(0, 1),
    seed: fc.nat(),
  });
  it("im2col and col2im, and both average pools, are adjoint", () => {
    fc.assert(
      fc.property(drawn, ({ size, channels, kernel, stride, pad, seed }) => {
        const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
        const spatial = [2, size, size, channels, kernel, kernel, stride, stride, pad, pad, 1, 1, out, out, channels];
        heap.i32(GEOMETRY, 15).set(spatial);
        const random = new Rng(seed);
        const rows = 2 * out * out;
        const image = fill(random, A, 2 * size * size * channels);
        const columns = fill(random, B, rows * kernel * kernel * channels);
        kernels.f32_im2col(A, C, GEOMETRY, 0, rows);
        kernels.f32_fill(D, image.length, 0);
        kernels.f32_col2im(B, D, GEOMETRY, 0, rows);
        expect(dot(heap.f64(C, columns.length), columns)).toBeCloseTo(dot(image, heap.f64(D, image.length)), 11);
        for (const includePad of [0, 1]) {
          const dy = fill(random, B, rows * channels);
          kernels.f32_avgpool(A, C, GEOMETRY, includePad, 0, 2);
          kernels.f32_fill(D, image.length, 0);
          kernels.f32_avgpool_bwd(B, D, GEOMETRY, includePad, 0, 2);
          expect(dot(heap.f64(C, dy.length), dy)).toBeCloseTo(dot(image, heap.f64(D, image.length)), 11);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("max pooling sends each gradient to one largest element", () => {
    heap.i32(GEOMETRY, 15).set([1, 4, 4, 1, 2, 2, 2, 2, 0, 0, 1, 1, 2, 2, 1]);
    heap.f64(A, 16).set([1, 5, 5, 2, 0, 3, 1, 1, NaN, 9, -1, -2, NaN, 0, -3, -1]);
    kernels.f32_maxpool(A, B, C, GEOMETRY, 0, 1);
    expect(Array.from(heap.f64(B, 4))).toEqual([5, 5, NaN, -1]);
    expect(Array.from(heap.i32(C, 4))).toEqual([1, 2, 8, 10]);
    heap.f64(B, 4).set([1, 2, 3, 4]);
    kernels.f32_fill(D, 16, 0);
    kernels.f32_index_add(B, C, D, 4);
    expect(Array.from(heap.f64(D, 16))).toEqual([0, 1, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0]);
  });
});

describe("the staircase's written values", () => {
  const x = [-1, 0, 0.1, 0.25, 0.26, 0.5, 3.5, 3.51, 3.75, 3.76, 9];
  const n = x.length;
  const put = () => {
    heap.f64(A, n).set(x);
    heap.f64(B, n).fill(1);
    kernels.f32_staircase(A, C, n, 0.25, 15, 0);
  };
  it("codes", () => {
    put();
    expect(Array.from(heap.u8(C, n))).toEqual([0, 0, 1, 1, 2, 2, 14, 15, 15, 15, 15]);
    kernels.f32_staircase(A, D, n, 0.25, 15, 1);
    expect(Array.from(heap.u8(D, n))).toEqual([0, 0, 0, 1, 1, 2, 14, 14, 15, 15, 15]);
  });
  it("derivative by x", () => {
    put();
    kernels.f32_staircase_bwd(A, B, D, n, 0.25, 15, 0);
    expect(Array.from(heap.f64(D, n))).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    kernels.f32_staircase_bwd(A, B, D, n, 0.25, 15, 1);
    expect(Array.from(heap.f64(D, n))).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    kernels.f32_staircase_bwd(A, B, D, n, 0.25, 15, 2);
    expect(Array.from(heap.f64(D, n))).toEqual(new Array(n).fill(1));
  });
  it("derivative by alpha", () => {
    put();
    const sum = (values: number[]) => values.reduce((s, v) => s + v, 0);
    const rule = (id: number) => kernels.f32_staircase_dalpha(A, C, B, n, 0.25, 15, id);
    expect(rule(0)).toBe(sum([0, 0, 8, 8, 8, 8, 8, 8, 8, 15, 15]));
    expect(rule(1)).toBe(sum([0, 0, 1, 1, 2, 2, 14, 15, 15, 15, 15]));
    expect(rule(2)).toBe(30);
  });
});
