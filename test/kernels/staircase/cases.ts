/** @file The staircase and its coarse derivatives, at and beside every step. */
import fc from "fast-check";
import { Rng } from "../../../src/core/rng.js";
import { DALPHA, PASSES } from "../../../src/kernels/staircase/rules.js";
import {
  agree,
  both,
  bytes,
  type Check,
  expectClose,
  inout,
  input,
  lengths,
  nextFloat,
  output,
  property,
  reals,
  same,
  splitsAlike,
} from "../harness.js";

const settings = fc.record({ len: lengths, top: fc.constantFrom(1, 3, 15, 127, 255) });

/** Mixes exact multiples of α, and one ulp either side, into ordinary and special values. */
function aroundSteps(rng: Rng, len: number, alpha: number, top: number): Float32Array {
  return reals(rng, len).map((v) => {
    if (rng.bool(0.5)) return v;
    const multiple = Math.fround(alpha * (rng.int(top + 2) + 1));
    return [multiple, nextFloat(multiple, 1), nextFloat(multiple, -1)][rng.int(3)];
  });
}

export const staircase = {
  f32_staircase: () =>
    property(
      settings,
      (rng, { len, top }) => {
        const alpha = Math.fround(rng.range(0.001, 1));
        const x = aroundSteps(rng, len, alpha, top);
        agree("f32_staircase", input(x), output(new Uint8Array(len)), len, alpha, top, rng.int(2));
      },
      300,
    ),
  f32_staircase_bwd: () =>
    property(settings, (rng, { len, top }) => {
      const alpha = Math.fround(rng.range(0.001, 1));
      const x = aroundSteps(rng, len, alpha, top);
      const limit = Math.fround(alpha * top);
      if (len > 2) x.set([limit, nextFloat(limit, 1), nextFloat(limit, -1)]);
      const proxy = rng.int(PASSES.length);
      const dy = reals(rng, len);
      agree("f32_staircase_bwd", input(x), input(dy), output(x), len, alpha, top, proxy);
      agree("f32_staircase_bwd", input(x), inout(dy), same(1), len, alpha, top, proxy);
    }),
  f32_staircase_dalpha: () => {
    property(settings, (rng, { len, top }) => {
      const alpha = Math.fround(rng.range(0.001, 1));
      const x = aroundSteps(rng, len, alpha, top);
      const dy = reals(rng, len, "tame");
      const codes = bytes(rng, len, top + 1);
      const rule = rng.int(DALPHA.length);
      // Elements that α does not move count for nothing, whatever dy is there.
      const limit = Math.fround(alpha * top);
      const still = (i: number): boolean => [!(x[i] > 0), codes[i] === 0, !(x[i] > limit)][rule];
      for (let i = 0; i < len; i++) if (still(i) && rng.bool(0.5)) dy[i] = [NaN, Infinity, -Infinity][rng.int(3)];
      const args = [input(x), input(codes), input(dy), len, alpha, top, rule];
      const result = both("f32_staircase_dalpha", ...args);
      // |dy| ≤ 4 and factors ≤ top, summed in f64 in another order.
      const tolerance = 2 ** -52 * (len + 2) * len * 4 * top;
      if (!Number.isFinite(result.wasm.returned)) throw new Error(`dalpha: ${result.wasm.returned}`);
      expectClose("dalpha", [result.wasm.returned as number], [result.twin.returned as number], () => tolerance);
    });
    const rng = new Rng("f32_staircase_dalpha");
    const LONG = 200_003;
    const arrays = [reals(rng, LONG, "tame"), bytes(rng, LONG, 16), reals(rng, LONG, "tame")].map((array) =>
      input(array),
    );
    for (let rule = 0; rule < DALPHA.length; rule++)
      splitsAlike("f32_staircase_dalpha", ...arrays, LONG, 0.25, 15, rule);
  },
  u8_histogram: () =>
    property(lengths, (rng, len) => {
      const counts = Int32Array.from({ length: 256 }, () => rng.int(100));
      agree("u8_histogram", input(bytes(rng, len, rng.bool(0.5) ? 4 : 256)), len, inout(counts));
    }),
} satisfies Record<string, Check>;
