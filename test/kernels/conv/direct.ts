/** @file Convolution kernels against their twins, which sum in the same order: bit for bit. */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import { agree, bytes, type Check, heap, inout, input, property, reals, scratch, wasm } from "../harness.js";

const drawn = fc.record({
  batch: fc.constantFrom(1, 2),
  inH: fc.constantFrom(1, 2, 5, 7),
  inW: fc.constantFrom(1, 3, 6, 8, 13),
  channels: fc.constantFrom(1, 2, 3, 4, 5, 8, 16, 52),
  kernelH: fc.constantFrom(1, 2, 3),
  kernelW: fc.constantFrom(1, 3, 5),
  stride: fc.constantFrom(1, 1, 2, 3),
  pad: fc.constantFrom(0, 1, 2),
  dilation: fc.constantFrom(1, 1, 2),
  extraChannels: fc.constantFrom(0, 0, 1, 4),
  filters: fc.constantFrom(1, 2, 4, 5, 7, 8, 9, 16, 17),
  extraFilters: fc.constantFrom(0, 0, 3),
});

interface Problem {
  readonly fields: Int32Array;
  readonly filters: number;
  readonly stride: number;
  readonly rows: number;
  readonly patch: number;
  readonly imageLength: number;
  readonly work: number;
}

/** Runs `check` on every drawn convolution that fits, with a range of its positions. */
const convolutions = (check: (rng: Rng, p: Problem, start: number, count: number) => void): Check => {
  return () =>
    property(
      drawn,
      (rng, g) => {
        const padLeft = Math.max(0, g.pad - 1);
        const out = (extent: number, kernel: number, pad: number) =>
          Math.floor((extent + 2 * pad - (g.dilation * (kernel - 1) + 1)) / g.stride) + 1;
        const outH = out(g.inH, g.kernelH, g.pad);
        const outW = out(g.inW, g.kernelW, padLeft);
        if (outH < 1 || outW < 1) return;
        const channelStride = g.channels + g.extraChannels;
        const fields = Int32Array.of(
          ...[g.batch, g.inH, g.inW, g.channels, g.kernelH, g.kernelW, g.stride, g.stride],
          ...[g.pad, padLeft, g.dilation, g.dilation, outH, outW, channelStride],
        );
        const rows = g.batch * outH * outW;
        heap.i32(64, 15).set(fields);
        const start = rng.int(rows);
        const problem = {
          fields,
          filters: g.filters,
          stride: g.filters + g.extraFilters,
          rows,
          patch: g.kernelH * g.kernelW * g.channels,
          imageLength: (g.batch * g.inH * g.inW - 1) * channelStride + g.channels,
          work: wasm.f32_conv_work(64, g.filters),
        };
        check(rng, problem, start, rng.int(rows - start + 1));
      },
      200,
    );
};

const image = (rng: Rng, name: string, length: number) =>
  name.startsWith("u8") ? bytes(rng, length) : reals(rng, length, "tame");

const forward = (name: "f32_conv" | "u8_conv_f32"): Check =>
  convolutions((rng, p, start, count) => {
    const x = input(image(rng, name, p.imageLength));
    const w = input(reals(rng, p.filters * p.patch, "tame"));
    // inout: what lies between the rows of y stays as it was.
    const y = inout(reals(rng, count === 0 ? 0 : (count - 1) * p.stride + p.filters, "tame"));
    agree(name, x, w, y, input(p.fields), p.filters, p.stride, start, count, scratch(new Uint8Array(p.work)));
  });

const backwardWeight = (name: "f32_conv_bwd_weight" | "u8_conv_bwd_weight_f32"): Check =>
  convolutions((rng, p, start, count) => {
    const x = input(image(rng, name, p.imageLength));
    const dy = input(reals(rng, count === 0 ? 0 : (count - 1) * p.stride + p.filters, "tame"));
    const dw = inout(reals(rng, p.filters * p.patch, "tame"));
    agree(name, x, dy, dw, input(p.fields), p.filters, p.stride, start, count, scratch(new Uint8Array(p.work)));
  });

const backwardInput: Check = convolutions((rng, p) => {
  const images = rng.int(p.fields[0]) + 1;
  const rows = (p.rows / p.fields[0]) * images;
  const dy = input(reals(rng, (rows - 1) * p.stride + p.filters, "tame"));
  const w = input(reals(rng, p.filters * p.patch, "tame"));
  // inout: later images, and other channels, stay as they were.
  const dx = inout(reals(rng, p.imageLength, "tame"));
  const work = scratch(new Uint8Array(p.work));
  agree("f32_conv_bwd_input", dy, w, dx, input(p.fields), p.filters, p.stride, images, work);
});

export const conv = {
  f32_conv: forward("f32_conv"),
  u8_conv_f32: forward("u8_conv_f32"),
  f32_conv_bwd_weight: backwardWeight("f32_conv_bwd_weight"),
  u8_conv_bwd_weight_f32: backwardWeight("u8_conv_bwd_weight_f32"),
  f32_conv_bwd_input: backwardInput,
  f32_conv_work: convolutions((_rng, { work }) => {
    if (!(Number.isInteger(work) && work >= 0 && work <= 2 ** 21)) throw new Error(`f32_conv_work: ${work}`);
  }),
} satisfies Record<string, Check>;
