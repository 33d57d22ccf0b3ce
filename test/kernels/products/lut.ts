/**
 * @file The look-up products, exactly: every remainder of rows, filters and depth, several blocks of K, and the
 * workspace's bounds.
 */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import { GEOMETRY, someLines } from "../conv/lines.js";
import {
  agree,
  bytes,
  type Check,
  call,
  codes,
  extents,
  input,
  lengths,
  output,
  property,
  scratch,
  twin,
  wasm,
} from "../harness.js";

/** Weights of a range, the offset that makes them non-negative, and the bit planes that they then need. */
const RANGES = [
  { note: "binary", draw: (rng: Rng) => 2 * rng.int(2) - 1, offset: 1, planes: 0b10 },
  { note: "ternary", draw: (rng: Rng) => rng.int(3) - 1, offset: 1, planes: 0b11 },
  { note: "4 bits", draw: (rng: Rng) => rng.int(16) - 8, offset: 8, planes: 0b1111 },
  { note: "8 bits", draw: (rng: Rng) => rng.int(256) - 128, offset: 128, planes: 0xff },
] as const;
const ranges = fc.constantFrom(...RANGES);

const drawWeights = (rng: Rng, range: (typeof RANGES)[number], length: number): Int8Array =>
  Int8Array.from({ length }, () => range.draw(rng));

function packed(
  weights: Int8Array,
  N: number,
  K: number,
  { offset, planes }: (typeof RANGES)[number],
  ldb: number = K,
): Uint8Array {
  const count = [...planes.toString(2)].filter((bit) => bit === "1").length;
  const out = output(new Uint8Array(Math.ceil(N / 16) * count * Math.ceil(K / 16) * 64));
  return call(twin, "i8_lut_pack", [input(weights), out, N, K, ldb, offset, planes]).outputs[0] as Uint8Array;
}

const products = fc.record({
  M: fc.constantFrom(1, 2, 3, 4, 5, 8, 9, 40),
  N: fc.constantFrom(1, 3, 15, 16, 17, 32, 40),
  K: fc.constantFrom(1, 2, 3, 4, 5, 15, 16, 17, 30, 64, 100, 1023, 1024, 1025, 2051),
  range: ranges,
  real: fc.constantFrom(0, 1),
});

const convolutions = fc.record({
  ...GEOMETRY,
  channels: fc.constantFrom(16, 16, 32, 48),
  filters: fc.constantFrom(1, 8, 16, 17, 33),
  range: ranges,
});

export const lut = {
  u8_max: () =>
    property(lengths, (rng, len) => {
      agree("u8_max", input(bytes(rng, len, 1 + rng.int(256))), len);
    }),
  i8_bits: () =>
    property(fc.tuple(lengths, ranges), (rng, [len, range]) => {
      const weights = rng.bool(0.5) ? drawWeights(rng, range, len) : codes(rng, len);
      agree("i8_bits", input(weights), len, range.offset);
    }),
  i8_lut_pack: () =>
    property(fc.record({ N: extents, K: extents, range: ranges }), (rng, { N, K, range }) => {
      const ldb = K + rng.int(3);
      const weights = drawWeights(rng, range, (N - 1) * ldb + K);
      const out = new Uint8Array(packed(weights, N, K, range, ldb).length);
      const args = [input(weights), output(out), N, K, ldb, range.offset, range.planes];
      const [got, want] = [wasm, twin].map((kernels) => call(kernels, "i8_lut_pack", args).outputs[0]);
      // Bits that pad K are never looked at.
      const groups = Math.ceil(K / 16) * 4;
      for (let i = 0; i < want.length; i++) {
        const k = 4 * (Math.floor(i / 16) % groups);
        const mask = k >= K ? 0 : k + 4 > K ? (1 << (K - k)) - 1 : 15;
        if ((got[i] & mask) !== want[i]) throw new Error(`byte ${i}: got ${got[i]}, expected ${want[i]}`);
        if (got[i] > 15) throw new Error(`byte ${i}: ${got[i]} is no nibble`);
      }
    }),
  u4_lut_gemm: () =>
    property(
      products,
      (rng, { M, N, K, range, real }) => {
        const lda = K + rng.int(3);
        const a = bytes(rng, (M - 1) * lda + K, 16);
        const weights = input(packed(drawWeights(rng, range, N * K), N, K, range));
        const c = output(real ? new Float32Array(M * N) : new Int32Array(M * N));
        const work = scratch(new Uint8Array(wasm.u4_lut_gemm_work()));
        agree("u4_lut_gemm", input(a), weights, c, M, N, K, lda, range.offset, range.planes, real, work);
      },
      200,
    ),
  u4_lut_gemm_work: () => {
    const size = wasm.u4_lut_gemm_work();
    if (!(size > 0 && size < 2 ** 15)) throw new Error(`u4_lut_gemm_work: ${size}`);
  },
  u4_lut_conv: () =>
    property(
      convolutions,
      (rng, { channels, filters, range, ...drawn }) => {
        const lines = someLines(rng, drawn, channels, filters, "u4_lut_conv_work");
        if (lines === null) return;
        const { elements, geometry, start, count, c, work } = lines;
        const K = drawn.kernelH * drawn.kernelW * channels;
        const weights = input(packed(drawWeights(rng, range, filters * K), filters, K, range));
        const x = input(bytes(rng, elements, 16));
        const numbers = [start, count, filters, range.offset, range.planes, drawn.real];
        agree("u4_lut_conv", x, weights, c, geometry, ...numbers, work);
      },
      200,
    ),
  u4_lut_conv_work: () => {
    const fields = Int32Array.of(1, 56, 56, 64, 3, 3, 1, 1, 1, 1, 1, 1, 56, 56, 64);
    const size = call(wasm, "u4_lut_conv_work", [input(fields)]).returned as number;
    if (!(size > 10 * 58 * 256 && size < 2 ** 18)) throw new Error(`u4_lut_conv_work: ${size}`);
  },
} satisfies Record<string, Check>;
