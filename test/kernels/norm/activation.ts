/** @file Batch normalization joined to its activation: bit for bit, against the twin and against the single kernels. */
import fc from "fast-check";
import { Rng } from "../../../src/core/rng.js";
import { DALPHA, PASSES } from "../../../src/kernels/staircase/rules.js";
import {
  type Argument,
  agree,
  both,
  bytes,
  type Check,
  call,
  channelCounts,
  expectClose,
  expectSameBits,
  input,
  output,
  property,
  reals,
  scratch,
  splitsAlike,
  TALL,
  ulp,
  wasm,
} from "../harness.js";

const shapes = fc.record({
  rows: fc.constantFrom(0, 1, 2, 3, 5, 8, 33, 300),
  channels: channelCounts,
  shortcut: fc.constantFrom("none", "reals", "codes"),
});

const normOf = (rng: Rng, channels: number): Float32Array => {
  const norm = reals(rng, 4 * channels, "tame");
  for (let c = channels; c < 2 * channels; c++) norm[c] = Math.abs(norm[c]) + 0.125; // invStd
  return norm;
};

/** The shortcut's two arguments. */
function shortcutOf(rng: Rng, kind: string, length: number): [Argument, number] {
  if (kind === "none") return [0, 0];
  if (kind === "reals") return [input(reals(rng, length, "tame")), 0];
  return [input(bytes(rng, length, 16)), Math.fround(rng.range(0.01, 1))];
}

const space = (channels: number) =>
  scratch(new Uint8Array(call(wasm, "f32_batchnorm_work", [channels]).returned as number));

/** dgamma and dbeta have the bits of the sums of g alone, and are near the twin's. */
function expectSums(
  x: Float32Array,
  g: Float32Array,
  norm: Float32Array,
  [rows, channels]: readonly [number, number],
  got: readonly ArrayLike<number>[],
  twin: readonly ArrayLike<number>[],
): void {
  const [mean, invStd] = [norm.slice(0, channels), norm.slice(channels, 2 * channels)];
  const outs = [output(new Float32Array(channels)), output(new Float32Array(channels))];
  const args = [input(x), input(g), rows, channels, input(mean), input(invStd), ...outs, space(channels)];
  const alone = call(wasm, "f32_batchnorm_bwd_reduce", args).outputs;
  got.forEach((sums, o) => {
    // One channel is summed along the row there.
    if (channels > 1) expectSameBits(`output ${o}`, sums, alone[o]);
    expectClose(`output ${o}`, sums, twin[o], (i) => ulp(twin[o][i]) + 2 ** -45 * rows);
  });
}

export const normActivation = {
  f32_batchnorm_relu: () =>
    property(shapes, (rng, { rows, channels, shortcut }) => {
      const len = rows * channels;
      const y = output(new Float32Array(len));
      const [x, norm] = [input(reals(rng, len)), input(normOf(rng, channels))];
      agree("f32_batchnorm_relu", x, ...shortcutOf(rng, shortcut, len), y, rows, channels, norm);
    }),
  f32_batchnorm_relu_bwd: () => {
    property(shapes, (rng, { rows, channels }) => {
      const len = rows * channels;
      const [x, y, dy] = [reals(rng, len, "tame"), reals(rng, len), reals(rng, len, "tame")];
      const norm = normOf(rng, channels);
      const outs = [output(new Float32Array(channels)), output(new Float32Array(channels))];
      const args = [input(x), input(y), input(dy), output(dy), rows, channels, input(norm), ...outs, space(channels)];
      const result = both("f32_batchnorm_relu_bwd", ...args);
      const [g, ...sums] = result.wasm.outputs;
      expectSameBits("g", g, result.twin.outputs[0]);
      expectSums(x, g as Float32Array, norm, [rows, channels], sums, result.twin.outputs.slice(1));
    });
    for (const [rows, channels] of TALL) {
      const rng = new Rng("relu");
      const [x, y, dy] = [0, 1, 2].map(() => input(reals(rng, rows * channels, "tame")));
      const outs = [rows * channels, channels, channels].map((length) => output(new Float32Array(length)));
      const norm = input(normOf(rng, channels));
      splitsAlike(
        "f32_batchnorm_relu_bwd",
        ...[x, y, dy, outs[0], rows, channels, norm, outs[1], outs[2], space(channels)],
      );
    }
  },
  f32_batchnorm_staircase: () =>
    property(shapes, (rng, { rows, channels, shortcut }) => {
      const len = rows * channels;
      const codes = output(new Uint8Array(len));
      const [x, norm] = [input(reals(rng, len)), input(normOf(rng, channels))];
      const top = [1, 3, 15, 255][rng.int(4)];
      const alpha = Math.fround(rng.range(0.001, 1));
      agree(
        "f32_batchnorm_staircase",
        ...[x, ...shortcutOf(rng, shortcut, len), codes, rows, channels, norm, alpha, top, rng.int(2)],
        space(channels),
      );
    }),
  f32_batchnorm_staircase_bwd: () => {
    property(shapes, (rng, { rows, channels, shortcut }) => {
      const len = rows * channels;
      const [x, dy] = [reals(rng, len, "tame"), reals(rng, len, "tame")];
      const norm = normOf(rng, channels);
      const top = [1, 3, 15, 255][rng.int(4)];
      const alpha = Math.fround(rng.range(0.001, 1));
      const codes = input(bytes(rng, len, top + 1));
      const outs = [output(new Float32Array(channels)), output(new Float32Array(channels))];
      const result = both(
        "f32_batchnorm_staircase_bwd",
        ...[input(x), ...shortcutOf(rng, shortcut, len), codes, input(dy), output(dy), rows, channels, input(norm)],
        ...[alpha, top, rng.int(PASSES.length), rng.int(DALPHA.length), ...outs, space(channels)],
      );
      const [g, ...sums] = result.wasm.outputs;
      expectSameBits("g", g, result.twin.outputs[0]);
      expectSums(x, g as Float32Array, norm, [rows, channels], sums, result.twin.outputs.slice(1));
      // |dy| ≤ 4 and factors ≤ top, summed in f64 in another order.
      const tolerance = 2 ** -52 * (len + 2) * len * 4 * top;
      expectClose("dalpha", [result.wasm.returned as number], [result.twin.returned as number], () => tolerance);
    });
    for (const [rows, channels] of TALL) {
      for (const kind of ["none", "reals", "codes"]) {
        const rng = new Rng(kind);
        const len = rows * channels;
        const [x, dy, norm] = [reals(rng, len, "tame"), reals(rng, len, "tame"), normOf(rng, channels)].map((v) =>
          input(v),
        );
        const codes = input(bytes(rng, len, 16));
        const outs = [len, channels, channels].map((length) => output(new Float32Array(length)));
        splitsAlike(
          "f32_batchnorm_staircase_bwd",
          ...[x, ...shortcutOf(rng, kind, len), codes, dy, outs[0], rows, channels, norm],
          ...[0.3, 15, rng.int(PASSES.length), rng.int(DALPHA.length), outs[1], outs[2], space(channels)],
        );
      }
    }
  },
  f32_batchnorm_work: () =>
    property(channelCounts, (_rng, channels) => {
      const size = wasm.f32_batchnorm_work(channels);
      if (!(Number.isInteger(size) && size > 0 && size <= 2 ** 20)) throw new Error(`work: ${size}`);
    }),
} satisfies Record<string, Check>;
