/** @file Per-channel kernels: maps bit for bit, statistics within a rounding of an f64 sum. */
import fc from "fast-check";
import { Rng } from "../../../src/core/rng.js";
import {
  agree,
  both,
  type Check,
  call,
  channelCounts,
  expectClose,
  inout,
  input,
  integers,
  output,
  property,
  reals,
  same,
  scratch,
  splitsAlike,
  TALL,
  twin,
  ulp,
  wasm,
} from "../harness.js";

const shapes = fc.record({ rows: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 33, 300), channels: channelCounts });
const space = (channels: number) => scratch(new Uint8Array(wasm.f32_batchnorm_work(channels)));
const positive = (rng: Rng, n: number): Float32Array => reals(rng, n, "tame").map((v) => Math.abs(v) + 0.125);

/** Some with a large mean: one pass over squares would fail. */
function shifted(rng: Rng, length: number): Float32Array {
  const shift = rng.bool(0.3) ? 1000 : 0;
  return reals(rng, length, "tame").map((v) => v + shift);
}

export const channel = {
  f32_channel_mean: () => {
    property(shapes, (rng, { rows, channels }) => {
      if (rows === 0) return; // statistics of nothing
      const x = input(shifted(rng, rows * channels));
      const result = both("f32_channel_mean", x, rows, channels, output(new Float32Array(channels)));
      const [mean] = result.twin.outputs;
      expectClose("mean", result.wasm.outputs[0], mean, (i) => ulp(mean[i]));
    });
    for (const [rows, channels] of TALL) {
      const x = input(shifted(new Rng("mean"), rows * channels));
      splitsAlike("f32_channel_mean", x, rows, channels, output(new Float32Array(channels)));
    }
  },
  f32_channel_variance: () => {
    property(shapes, (rng, { rows, channels }) => {
      if (rows === 0) return;
      const x = input(shifted(rng, rows * channels));
      const [mean] = call(twin, "f32_channel_mean", [x, rows, channels, output(new Float32Array(channels))]).outputs;
      const out = output(new Float32Array(channels));
      const result = both("f32_channel_variance", x, rows, channels, input(mean), out);
      const [variance] = result.twin.outputs;
      expectClose("variance", result.wasm.outputs[0], variance, (i) => ulp(variance[i]));
    });
    for (const [rows, channels] of TALL) {
      const rng = new Rng("variance");
      const [x, mean] = [input(shifted(rng, rows * channels)), input(reals(rng, channels, "tame"))];
      splitsAlike("f32_channel_variance", x, rows, channels, mean, output(new Float32Array(channels)));
    }
  },
  f32_channel_affine: () =>
    property(shapes, (rng, { rows, channels }) => {
      const x = reals(rng, rows * channels);
      const [scale, shift] = [input(reals(rng, channels)), input(reals(rng, channels))];
      agree("f32_channel_affine", input(x), output(x), rows, channels, scale, shift);
      agree("f32_channel_affine", inout(x), same(0), rows, channels, scale, shift);
    }),
  i32_scale_bias: () =>
    property(shapes, (rng, { rows, channels }) => {
      const acc = integers(rng, rows * channels, rng.bool(0.5) ? 2 ** 31 - 1 : 1000);
      const out = output(new Float32Array(rows * channels));
      const bias = rng.bool(0.5) ? input(reals(rng, channels)) : 0;
      agree("i32_scale_bias", input(acc), out, rows, channels, input(reals(rng, channels)), bias);
    }),
  f32_batchnorm: () =>
    property(shapes, (rng, { rows, channels }) => {
      const x = reals(rng, rows * channels);
      const constants = Array.from({ length: 4 }, () => input(reals(rng, channels, "tame")));
      agree("f32_batchnorm", input(x), output(x), rows, channels, ...constants);
    }),
  f32_batchnorm_bwd_reduce: () => {
    property(shapes, (rng, { rows, channels }) => {
      const [x, dy] = [reals(rng, rows * channels, "tame"), reals(rng, rows * channels, "tame")];
      const constants = [input(reals(rng, channels, "tame")), input(positive(rng, channels))];
      const outs = [output(new Float32Array(channels)), output(new Float32Array(channels))];
      const result = both(
        "f32_batchnorm_bwd_reduce",
        input(x),
        input(dy),
        rows,
        channels,
        ...constants,
        ...outs,
        space(channels),
      );
      result.twin.outputs.forEach((want, o) => {
        const got = result.wasm.outputs[o];
        expectClose(`output ${o}`, got, want, (i) => ulp(want[i]) + 2 ** -45 * rows);
      });
    });
    for (const [rows, channels] of TALL) {
      const rng = new Rng("gradients");
      const [x, dy] = [0, 1].map(() => input(reals(rng, rows * channels, "tame")));
      const constants = [input(reals(rng, channels, "tame")), input(positive(rng, channels))];
      const outs = [output(new Float32Array(channels)), output(new Float32Array(channels))];
      splitsAlike("f32_batchnorm_bwd_reduce", x, dy, rows, channels, ...constants, ...outs, space(channels));
    }
  },
  f32_batchnorm_bwd_input: () =>
    property(shapes, (rng, { rows, channels }) => {
      const [x, dy] = [reals(rng, rows * channels), reals(rng, rows * channels)];
      const constants = Array.from({ length: 5 }, () => input(reals(rng, channels, "tame")));
      const all = rows + rng.int(3);
      agree("f32_batchnorm_bwd_input", input(x), input(dy), output(x), rows, channels, ...constants, all);
      agree("f32_batchnorm_bwd_input", input(x), inout(dy), same(1), rows, channels, ...constants, all);
    }),
} satisfies Record<string, Check>;
