/** @file Products of u8 and i8, exactly. */
import fc from "fast-check";
import { agree, bytes, type Check, codes, extents, input, output, property } from "../harness.js";

// Small codes and weights may be summed in 16 bits for a while: 15·8 in steps of 136 codes, 127·32 in steps of 4.
const products = fc.record({
  M: extents,
  N: extents,
  K: fc.constantFrom(1, 7, 8, 9, 15, 16, 17, 40, 700, 2300),
  codesBelow: fc.constantFrom(2, 16, 128, 129, 256),
  weightsTo: fc.constantFrom(1, 8, 32, 128),
});

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
} satisfies Record<string, Check>;
