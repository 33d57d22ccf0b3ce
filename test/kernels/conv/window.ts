/** @file im2col, its adjoint, and pooling over drawn geometries. */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import { agree, bytes, type Check, inout, input, output, property, reals } from "../harness.js";

export interface Drawn {
  batch: number;
  inH: number;
  inW: number;
  channels: number;
  kernelH: number;
  kernelW: number;
  stride: number;
  pad: number;
  dilation: number;
  extraChannels: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(1, 2),
  inH: fc.constantFrom(1, 2, 4, 5, 7),
  inW: fc.constantFrom(1, 3, 4, 6, 8),
  channels: fc.constantFrom(1, 2, 3, 4, 5, 8, 16, 17, 20),
  kernelH: fc.constantFrom(1, 2, 3, 5),
  kernelW: fc.constantFrom(1, 2, 3, 5),
  stride: fc.constantFrom(1, 1, 2, 3),
  pad: fc.constantFrom(0, 1, 2, 3),
  dilation: fc.constantFrom(1, 1, 2),
  extraChannels: fc.constantFrom(0, 0, 1, 4),
});

export interface Geometry {
  fields: Int32Array;
  rows: number;
  width: number;
  imageLength: number;
}

/** The 15 integers, output extents included; null if the kernel does not fit. Paddings on the two axes differ. */
function geometry(g: Drawn): Geometry | null {
  const padTop = g.pad;
  const padLeft = Math.max(0, g.pad - 1);
  const out = (extent: number, kernel: number, pad: number) =>
    Math.floor((extent + 2 * pad - (g.dilation * (kernel - 1) + 1)) / g.stride) + 1;
  const outH = out(g.inH, g.kernelH, padTop);
  const outW = out(g.inW, g.kernelW, padLeft);
  if (outH < 1 || outW < 1) return null;
  const channelStride = g.channels + g.extraChannels;
  const { batch, inH, inW, channels, kernelH, kernelW, stride, dilation } = g;
  return {
    fields: Int32Array.of(
      ...[batch, inH, inW, channels, kernelH, kernelW, stride, stride],
      ...[padTop, padLeft, dilation, dilation, outH, outW, channelStride],
    ),
    rows: batch * outH * outW,
    width: kernelH * kernelW * channels,
    imageLength: (batch * inH * inW - 1) * channelStride + channels,
  };
}

/** Runs `check` on every drawn geometry that fits, with a range of its rows. */
export const windows = (
  check: (rng: Rng, g: Geometry, start: number, count: number) => void,
  restrict: (g: Drawn) => Drawn = (g) => g,
): Check => {
  return () =>
    property(
      drawn,
      (rng, parameters) => {
        const g = geometry(restrict(parameters));
        if (g === null) return;
        const start = rng.int(g.rows);
        check(rng, g, start, rng.int(g.rows - start + 1));
      },
      250,
    );
};

export const image = (rng: Rng, g: Geometry): Float32Array =>
  reals(rng, g.imageLength, rng.bool(0.5) ? "any" : "integer");

export const window = {
  f32_im2col: windows((rng, g, start, count) => {
    const out = output(new Float32Array(count * g.width));
    agree("f32_im2col", input(image(rng, g)), out, input(g.fields), start, count);
  }),
  u8_im2col_f32: windows((rng, g, start, count) => {
    const out = output(new Float32Array(count * g.width));
    agree("u8_im2col_f32", input(bytes(rng, g.imageLength)), out, input(g.fields), start, count);
  }),
  u8_im2col: windows((rng, g, start, count) => {
    const rowStride = Math.ceil(g.width / 16) * 16;
    const out = output(new Uint8Array(count * rowStride));
    agree("u8_im2col", input(bytes(rng, g.imageLength)), out, input(g.fields), start, count, rowStride);
  }),
  f32_col2im: windows((rng, g, start, count) => {
    const columns = reals(rng, count * g.width, "tame");
    agree("f32_col2im", input(columns), inout(reals(rng, g.imageLength, "tame")), input(g.fields), start, count);
  }),
} satisfies Record<string, Check>;
