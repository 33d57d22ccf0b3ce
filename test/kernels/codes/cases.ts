/** @file Weight codes and sums over them. */
import fc from "fast-check";
import {
  agree,
  both,
  type Check,
  codes,
  expectClose,
  inout,
  input,
  lengths,
  nextFloat,
  output,
  property,
  reals,
} from "../harness.js";

export const weightCodes = {
  f32_sign_codes: () =>
    property(lengths, (rng, len) => {
      agree("f32_sign_codes", input(reals(rng, len)), output(new Int8Array(len)), len);
    }),
  f32_ternary_codes: () =>
    property(lengths, (rng, len) => {
      const threshold = rng.bool(0.2) ? 0 : Math.fround(rng.range(0.1, 2));
      const x = reals(rng, len).map((v) => (rng.bool(0.2) ? threshold : rng.bool(0.2) ? -threshold : v));
      agree("f32_ternary_codes", input(x), output(new Int8Array(len)), len, threshold);
    }),
  f32_uniform_codes: () =>
    property(fc.record({ len: lengths, top: fc.constantFrom(1, 3, 7, 127) }), (rng, { len, top }) => {
      const delta = rng.bool(0.1) ? 0 : Math.fround(rng.range(0.01, 1));
      const x = reals(rng, len).map((v) => {
        if (delta === 0 || rng.bool(0.5)) return v;
        const tie = Math.fround(delta * (rng.int(top + 2) + 0.5)); // halfway between two codes, and beside it
        const beside = [tie, nextFloat(tie, 1), nextFloat(tie, -1)][rng.int(3)];
        return rng.bool(0.5) ? beside : -beside;
      });
      const before = codes(rng, len, Math.min(top, 3)); // some stay, some change
      agree("f32_uniform_codes", input(x), inout(before), len, delta, top);
    }),
  i8_dot_f32: () =>
    property(lengths, (rng, len) => {
      const result = both("i8_dot_f32", input(codes(rng, len)), input(reals(rng, len, "tame")), len);
      const tolerance = 2 ** -52 * (len + 2) * len * 512;
      expectClose("i8_dot_f32", [result.wasm.returned as number], [result.twin.returned as number], () => tolerance);
    }),
  i8_sum_squares: () => property(lengths, (rng, len) => void agree("i8_sum_squares", input(codes(rng, len)), len)),
  i8_count_different: () =>
    property(lengths, (rng, len) => {
      const a = codes(rng, len);
      const b = a.map((code) => (rng.bool(0.4) ? -code : code));
      agree("i8_count_different", input(a), input(b), len);
    }),
} satisfies Record<string, Check>;
