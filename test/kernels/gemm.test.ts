/** @file The matrix products: exact on integers, and a row's bits do not depend on its company. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { bytes, call, codes, expectSameBits, input, output, property, reals, scratch, wasm } from "./harness.js";

/** op(A)·op(B) by WebAssembly. */
function product(
  a: Float32Array,
  b: Float32Array,
  M: number,
  N: number,
  K: number,
  transA = 0,
  transB = 0,
): ArrayLike<number> {
  const work = scratch(new Uint8Array(wasm.f32_gemm_work(M, N, K)));
  const args = [input(a), input(b), output(new Float32Array(M * N)), M, N, K, transA, transB, 0, 0, M, 0, N, work];
  return call(wasm, "f32_gemm", args).outputs[0];
}

function transposed(x: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: x.length }, (_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
}

const shapes = fc.record({
  M: fc.constantFrom(1, 4, 5, 6, 9, 31, 121),
  N: fc.constantFrom(1, 7, 8, 9, 24, 1030),
  K: fc.constantFrom(1, 5, 64, 383, 384, 385, 800),
});

describe("f32_gemm", () => {
  it("is exact on small integers, in all four transpositions", () => {
    property(
      shapes,
      (rng, { M, N, K }) => {
        const a = reals(rng, M * K, "integer");
        const b = reals(rng, K * N, "integer");
        const [at, bt] = [transposed(a, M, K), transposed(b, K, N)];
        const all = [
          product(a, b, M, N, K),
          product(at, b, M, N, K, 1, 0),
          product(a, bt, M, N, K, 0, 1),
          product(at, bt, M, N, K, 1, 1),
        ];
        // Some elements, summed with integers of any size.
        for (let probe = 0; probe < 20; probe++) {
          const [i, j] = [rng.int(M), rng.int(N)];
          let sum = 0n;
          for (let k = 0; k < K; k++) sum += BigInt(a[i * K + k]) * BigInt(b[k * N + j]);
          for (const c of all) expect(c[i * N + j]).toBe(Number(sum));
        }
      },
      25,
    );
  });

  it("gives a row the same bits alone, in a batch, and transposed", () => {
    property(
      shapes,
      (rng, { M, N, K }) => {
        const a = reals(rng, M * K, "tame");
        const b = reals(rng, K * N, "tame");
        const whole = product(a, b, M, N, K);
        expectSameBits("transposed", product(transposed(a, M, K), transposed(b, K, N), M, N, K, 1, 1), whole);
        const i = rng.int(M);
        const alone = product(a.slice(i * K, (i + 1) * K), b, 1, N, K);
        expectSameBits(`row ${i}`, alone, Array.from(whole).slice(i * N, (i + 1) * N));
        const j = rng.int(N);
        const column = Float32Array.from({ length: K }, (_, k) => b[k * N + j]);
        const single = product(a, column, M, 1, K);
        expectSameBits(
          `column ${j}`,
          single,
          Array.from({ length: M }, (_, r) => whole[r * N + j]),
        );
      },
      25,
    );
  });
});

describe("u8_i8_gemm", () => {
  // The largest K that the ABI allows, all products at their extremes: sums just inside i32.
  it.each([
    [255, -128, 65792],
    [255, 127, 65792],
  ])("holds %i·%i over K = %i", (x, w, K) => {
    const a = input(new Uint8Array(5 * K).fill(x));
    const b = input(new Int8Array(3 * K).fill(w));
    const args = [a, b, output(new Int32Array(15)), 5, 3, K, K, K];
    expect([...call(wasm, "u8_i8_gemm", args).outputs[0]]).toEqual(new Array(15).fill(x * w * K));
    expect(Math.abs(x * w * K)).toBeLessThan(2 ** 31);
  });

  it("agrees with f32_gemm over the same codes while sums are below 2^24", () => {
    const rng = new Rng("u8_i8_gemm");
    const [M, N, K] = [9, 7, 448];
    const a = bytes(rng, M * K, 16);
    const b = codes(rng, N * K, 8);
    const args = [input(a), input(b), output(new Int32Array(M * N)), M, N, K, K, K];
    const real = product(Float32Array.from(a), Float32Array.from(b), M, N, K, 0, 1);
    expectSameBits("products", call(wasm, "u8_i8_gemm", args).outputs[0], real);
  });
});

describe("i8_sum_squares", () => {
  it("does not overflow: 2^21 codes of −128", () => {
    const length = 2 ** 21 + 5;
    const sum = call(wasm, "i8_sum_squares", [input(new Int8Array(length).fill(-128)), length]).returned;
    expect(sum).toBe(length * 16384);
  });
});
