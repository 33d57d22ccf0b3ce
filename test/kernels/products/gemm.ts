/** @file The real matrix product against its twin, which has the same summation order: bit for bit. */
import fc from "fast-check";
import { agree, type Check, inout, input, output, property, reals, scratch, wasm } from "../harness.js";

const shapes = fc.record({
  M: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 119, 120, 121, 125),
  N: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 33),
  K: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 9, 27, 383, 384, 385, 400),
  transA: fc.constantFrom(0, 1),
  transB: fc.constantFrom(0, 1),
  accumulate: fc.constantFrom(0, 1),
});

export const gemm = {
  f32_gemm: () =>
    property(
      shapes,
      (rng, { M, N, K, transA, transB, accumulate }) => {
        const a = reals(rng, M * K, "tame");
        const b = reals(rng, K * N, "tame");
        const c = reals(rng, M * N, "tame");
        const work = new Uint8Array(wasm.f32_gemm_work(M, N, K));
        const before = accumulate ? inout(c) : output(c);
        const args = [input(a), input(b), before, M, N, K, transA, transB, accumulate];
        agree("f32_gemm", ...args, 0, M, 0, N, scratch(work));
        const [row, column] = [rng.int(M + 1), rng.int(N + 1)];
        const ranges = [row, rng.int(M - row + 1), column, rng.int(N - column + 1)];
        // inout: what is outside of the ranges stays as it was.
        agree("f32_gemm", input(a), input(b), inout(c), ...args.slice(3), ...ranges, scratch(work));
      },
      250,
    ),
  f32_gemm_work: () =>
    property(shapes, (_rng, { M, N, K }) => {
      const bytes = wasm.f32_gemm_work(M, N, K);
      if (!(Number.isInteger(bytes) && bytes >= 0 && bytes <= 2 ** 21)) throw new Error(`f32_gemm_work: ${bytes}`);
    }),
} satisfies Record<string, Check>;
