/** @file Optimizer steps, bit for bit. */
import { agree, type Check, codes, inout, input, lengths, property, reals } from "../harness.js";

export const optim = {
  f32_blend: () =>
    property(lengths, (rng, len) => {
      const rho = [0, 1e-5, 0.3, 1][rng.int(4)];
      agree("f32_blend", inout(reals(rng, len)), input(codes(rng, len, 8)), len, rng.range(0, 1), rho);
    }),
  f32_sgd_step: () =>
    property(lengths, (rng, len) => {
      const momentum = [0, 0.9, 0.95][rng.int(3)];
      const decay = rng.bool(0.5) ? 1e-4 : 0;
      const arrays = [inout(reals(rng, len)), input(reals(rng, len)), inout(reals(rng, len))];
      agree("f32_sgd_step", ...arrays, len, rng.range(0, 0.2), momentum, decay, rng.int(2), rng.int(2));
    }),
  f32_adam_step: () =>
    property(lengths, (rng, len) => {
      const t = 1 + rng.int(20);
      const moments = reals(rng, len, "tame").map(Math.abs);
      const arrays = [inout(reals(rng, len, "tame")), input(reals(rng, len, "tame")), inout(moments), inout(moments)];
      const scalars = [1e-3, 0.9, 0.999, 1e-8, rng.bool(0.5) ? 0.01 : 0, rng.int(2), 1 - 0.9 ** t, 1 - 0.999 ** t];
      agree("f32_adam_step", ...arrays, len, ...scalars);
    }),
} satisfies Record<string, Check>;
