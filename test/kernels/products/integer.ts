/** @file Integer kernels, exactly. */
import fc from "fast-check";
import {
  agree,
  bytes,
  type Check,
  channelCounts,
  codes,
  extents,
  input,
  integers,
  output,
  property,
  reals,
} from "../harness.js";

// Small codes and weights may be summed in 16 bits for a while: 15·8 in steps of 136 codes, 127·32 in steps of 4.
const products = fc.record({
  M: extents,
  N: extents,
  K: fc.constantFrom(1, 7, 8, 9, 15, 16, 17, 40, 700, 2300),
  codesBelow: fc.constantFrom(2, 16, 128, 129, 256),
  weightsTo: fc.constantFrom(1, 8, 32, 128),
});
const maps = fc.record({ rows: fc.constantFrom(0, 1, 2, 3, 4, 5, 9), channels: channelCounts });

export const integer = {
  u8_i8_gemm: () =>
    property(products, (rng, { M, N, K, codesBelow, weightsTo }) => {
      const lda = Math.ceil(K / 16) * 16;
      const ldb = lda + 16 * rng.int(2);
      // All at their largest, or any.
      const extreme = rng.bool(0.3);
      const a = bytes(rng, M * lda, codesBelow).map((v, i) => (i % lda < K ? (extreme ? codesBelow - 1 : v) : 0));
      const b = codes(rng, N * ldb, weightsTo).map((v, i) => (i % ldb < K ? (extreme ? -weightsTo : v) : 0));
      agree("u8_i8_gemm", input(a), input(b), output(new Int32Array(M * N)), M, N, K, lda, ldb);
    }),
  i32_threshold: () =>
    property(fc.tuple(maps, fc.constantFrom(1, 3, 15, 255)), (rng, [{ rows, channels }, top]) => {
      const acc = integers(rng, rows * channels, 20);
      const thresholds = integers(rng, channels * top, 20);
      if (rows * channels > 1) acc.set([2 ** 31 - 1, -(2 ** 31)]); // no difference may be formed
      if (channels * top > 1) thresholds.set([2 ** 31 - 1, -(2 ** 31)]);
      const out = output(new Uint8Array(rows * channels));
      const constants = [input(thresholds), input(bytes(rng, channels, 2)), top];
      agree("i32_threshold", input(acc), out, rows, channels, ...constants);
    }),
  i32_line_codes: () =>
    property(fc.tuple(maps, fc.constantFrom(1, 3, 15, 255)), (rng, [{ rows, channels }, top]) => {
      const acc = integers(rng, rows * channels, rng.bool(0.5) ? 2 ** 31 - 1 : 100);
      // Halves are frequent: they round to even.
      const halves = () => Float32Array.from({ length: channels }, () => rng.int(65) / 2 - 16);
      const shift = rng.bool(0.5) ? halves() : reals(rng, channels, "tame");
      const scale = rng.bool(0.5) ? halves() : reals(rng, channels, "tame");
      const out = output(new Uint8Array(rows * channels));
      agree("i32_line_codes", input(acc), out, rows, channels, input(scale), input(shift), top);
    }),
  i32_scale_bias: () =>
    property(maps, (rng, { rows, channels }) => {
      const acc = integers(rng, rows * channels, rng.bool(0.5) ? 2 ** 31 - 1 : 1000);
      const out = output(new Float32Array(rows * channels));
      const bias = rng.bool(0.5) ? input(reals(rng, channels)) : 0;
      agree("i32_scale_bias", input(acc), out, rows, channels, input(reals(rng, channels)), bias);
    }),
  i32_residual_codes: () =>
    property(fc.tuple(maps, fc.constantFrom(1, 3, 15, 255)), (rng, [{ rows, channels }, top]) => {
      const acc = integers(rng, rows * channels, 60);
      const step = rng.bool(0.5) ? Math.fround(rng.range(0.01, 1)) : 0;
      const length = rows * channels;
      const residual = step === 0 ? reals(rng, length) : bytes(rng, length);
      // Eighths make sums that fall on steps exactly.
      const eighths = Float32Array.from({ length: 4 * channels }, () => rng.int(33) / 8 - 2);
      const constants = rng.bool(0.5) ? eighths : reals(rng, 4 * channels, "tame");
      const alpha = rng.bool(0.5) ? 0.25 : Math.fround(rng.range(0.01, 2));
      const out = output(new Uint8Array(length));
      const given = [input(acc), input(residual), out, rows, channels, input(constants)];
      agree("i32_residual_codes", ...given, step, alpha, top, rng.int(2));
    }),
} satisfies Record<string, Check>;
