/** @file The look-up products at their largest sums. */
import { describe, expect, it } from "vitest";
import { call, input, output, scratch, wasm } from "./harness.js";

function pack(weights: Int8Array, N: number, K: number, offset: number, planes: number, count: number): Uint8Array {
  const out = output(new Uint8Array(Math.ceil(N / 16) * count * Math.ceil(K / 16) * 64));
  return call(wasm, "i8_lut_pack", [input(weights), out, N, K, K, offset, planes]).outputs[0] as Uint8Array;
}

describe("largest sums", () => {
  // Every look-up gives 60, and every u16 and u8 sum is as large as it gets.
  it.each([
    [1, 1, 0b10, 1],
    [-1, 1, 0b10, 1],
    [7, 8, 0b1111, 4],
  ])("u4_lut_gemm holds 15·%i over K = 65,793", (w, offset, planes, count) => {
    const [M, N, K] = [5, 17, 65793];
    const weights = input(pack(new Int8Array(N * K).fill(w), N, K, offset, planes, count));
    const work = scratch(new Uint8Array(wasm.u4_lut_gemm_work()));
    const args = [input(new Uint8Array(M * K).fill(15)), weights, output(new Int32Array(M * N))];
    const [c] = call(wasm, "u4_lut_gemm", [...args, M, N, K, K, offset, planes, 0, work]).outputs;
    expect([...c]).toEqual(new Array(M * N).fill(15 * w * K));
  });

  // 4368 codes of a run fill a u16 lane; the two kernel rows must not share it.
  it.each([
    [16, 273],
    [4368, 1],
    [1456, 3],
    [2192, 1],
    [512, 3],
  ])("u4_lut_conv holds %i channels under a kernel row of %i", (channels, kernelW) => {
    const filters = 16;
    const kernelH = 3;
    const K = kernelH * kernelW * channels;
    const weights = input(pack(new Int8Array(filters * K).fill(1), filters, K, 1, 0b10, 1));
    const geometry = input(
      Int32Array.of(1, kernelH, kernelW, channels, kernelH, kernelW, 1, 1, 0, 0, 1, 1, 1, 1, channels),
    );
    const work = call(wasm, "u4_lut_conv_work", [geometry]).returned as number;
    const x = input(new Uint8Array(K).fill(15));
    const out = output(new Int32Array(filters));
    const args = [x, weights, out, geometry, 0, 1, filters, 1, 0b10, 0, scratch(new Uint8Array(work))];
    expect([...call(wasm, "u4_lut_conv", args).outputs[0]]).toEqual(new Array(filters).fill(15 * K));
  });

  it("rounds a sum beyond 2^24 to f32 once", () => {
    const K = 2 ** 21 + 1;
    const weights = Int8Array.from({ length: K }, (_, k) => (k === K - 1 ? -1 : 1));
    const work = scratch(new Uint8Array(wasm.u4_lut_gemm_work()));
    const a = input(new Uint8Array(K).fill(15));
    const args = [a, input(pack(weights, 1, K, 1, 0b10, 1)), output(new Float32Array(1))];
    const [c] = call(wasm, "u4_lut_gemm", [...args, 1, 1, K, K, 1, 0b10, 1, work]).outputs;
    expect(c[0]).toBe(Math.fround(15 * (K - 2)));
  });
});
