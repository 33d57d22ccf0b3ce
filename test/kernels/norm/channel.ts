/** @file Per-channel kernels: maps bit for bit, statistics within a rounding of an f64 sum. */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import {
  agree,
  both,
  type Check,
  channelCounts,
  expectClose,
  inout,
  input,
  output,
  property,
  reals,
  same,
  ulp,
} from "../harness.js";

const shapes = fc.record({ rows: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 33, 300), channels: channelCounts });
const positive = (rng: Rng, n: number): Float32Array => reals(rng, n, "tame").map((v) => Math.abs(v) + 0.125);

export const channel = {
  f32_channel_stats: () =>
    property(shapes, (rng, { rows, channels }) => {
      if (rows === 0) return; // statistics of nothing
      const shift = rng.bool(0.3) ? 1000 : 0; // a large mean: one pass over squares would fail
      const x = reals(rng, rows * channels, "tame").map((v) => v + shift);
      const outs = [output(new Float32Array(channels)), output(new Float32Array(channels))];
      const result = both("f32_channel_stats", input(x), rows, channels, ...outs);
      const [mean, variance] = result.twin.outputs;
      expectClose("mean", result.wasm.outputs[0], mean, (i) => ulp(mean[i]));
      // The variance is taken about the rounded mean, which may be an ulp away.
      expectClose("variance", result.wasm.outputs[1], variance, (i) => ulp(variance[i]) + 16 * ulp(mean[i]));
    }),
  f32_channel_affine: () =>
    property(shapes, (rng, { rows, channels }) => {
      const x = reals(rng, rows * channels);
      const [scale, shift] = [input(reals(rng, channels)), input(reals(rng, channels))];
      agree("f32_channel_affine", input(x), output(x), rows, channels, scale, shift);
      agree("f32_channel_affine", inout(x), same(0), rows, channels, scale, shift);
    }),
  f32_batchnorm: () =>
    property(shapes, (rng, { rows, channels }) => {
      const x = reals(rng, rows * channels);
      const constants = Array.from({ length: 4 }, () => input(reals(rng, channels, "tame")));
      agree("f32_batchnorm", input(x), output(x), rows, channels, ...constants);
    }),
  f32_batchnorm_bwd_reduce: () =>
    property(shapes, (rng, { rows, channels }) => {
      const [x, dy] = [reals(rng, rows * channels, "tame"), reals(rng, rows * channels, "tame")];
      const constants = [input(reals(rng, channels, "tame")), input(positive(rng, channels))];
      const outs = [output(new Float32Array(channels)), output(new Float32Array(channels))];
      const result = both("f32_batchnorm_bwd_reduce", input(x), input(dy), rows, channels, ...constants, ...outs);
      result.twin.outputs.forEach((want, o) => {
        const got = result.wasm.outputs[o];
        expectClose(`output ${o}`, got, want, (i) => ulp(want[i]) + 2 ** -45 * rows);
      });
    }),
  f32_batchnorm_bwd_input: () =>
    property(shapes, (rng, { rows, channels }) => {
      const [x, dy] = [reals(rng, rows * channels), reals(rng, rows * channels)];
      const constants = Array.from({ length: 5 }, () => input(reals(rng, channels, "tame")));
      agree("f32_batchnorm_bwd_input", input(x), input(dy), output(x), rows, channels, ...constants);
      agree("f32_batchnorm_bwd_input", input(x), inout(dy), same(1), rows, channels, ...constants);
    }),
} satisfies Record<string, Check>;
