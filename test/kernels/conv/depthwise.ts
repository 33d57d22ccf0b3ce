/**
 * @file Depthwise convolutions against their twins, bit for bit: every remainder of channels, odd numbers of taps,
 * paddings wider than the image, strides, dilations, and the workspace's bounds.
 */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import { pairTaps } from "../../../src/kernels/depthwise.js";
import {
  agree,
  bytes,
  type Check,
  call,
  codes,
  inout,
  input,
  output,
  property,
  reals,
  scratch,
  wasm,
} from "../harness.js";

const drawn = fc.record({
  batch: fc.constantFrom(1, 2),
  inH: fc.constantFrom(1, 2, 5, 9),
  inW: fc.constantFrom(1, 3, 6, 13),
  channels: fc.constantFrom(2, 3, 4, 5, 8, 11, 16, 20, 33),
  kernelH: fc.constantFrom(1, 2, 3, 5),
  kernelW: fc.constantFrom(1, 2, 3, 5),
  strideH: fc.constantFrom(1, 1, 2, 3),
  strideW: fc.constantFrom(1, 1, 2, 3),
  pad: fc.constantFrom(0, 1, 2, 3),
  dilation: fc.constantFrom(1, 1, 2),
});

interface Problem {
  readonly fields: Int32Array;
  readonly channels: number;
  readonly taps: number;
  readonly outH: number;
  readonly outW: number;
  readonly lines: number;
  readonly elements: number;
  readonly work: number;
}

const convolutions = (check: (rng: Rng, p: Problem) => void): Check => {
  return () =>
    property(
      drawn,
      (rng, { batch, inH, inW, channels, kernelH, kernelW, strideH, strideW, pad, dilation }) => {
        const padLeft = Math.max(0, pad - 1);
        const out = (extent: number, kernel: number, padding: number, stride: number) =>
          Math.floor((extent + 2 * padding - (dilation * (kernel - 1) + 1)) / stride) + 1;
        const [outH, outW] = [out(inH, kernelH, pad, strideH), out(inW, kernelW, padLeft, strideW)];
        if (outH < 1 || outW < 1) return;
        const fields = Int32Array.of(
          ...[batch, inH, inW, channels, kernelH, kernelW, strideH, strideW],
          ...[pad, padLeft, dilation, dilation, outH, outW, channels],
        );
        const work = call(wasm, "u8_depthwise_work", [input(fields)]).returned as number;
        const elements = batch * inH * inW * channels;
        check(rng, { fields, channels, taps: kernelH * kernelW, outH, outW, lines: batch * outH, elements, work });
      },
      200,
    );
};

const range = (rng: Rng, count: number): [start: number, count: number] => {
  const start = rng.int(count);
  return [start, rng.int(count - start + 1)];
};

const weightGradient = (name: "f32_depthwise_bwd_weight" | "u8_depthwise_bwd_weight_f32"): Check =>
  convolutions((rng, p) => {
    const x = input(name.startsWith("u8") ? bytes(rng, p.elements) : reals(rng, p.elements, "tame"));
    const [start, count] = range(rng, p.lines * p.outW);
    const dy = input(reals(rng, count * p.channels, "tame"));
    const dw = inout(reals(rng, p.taps * p.channels, "tame"));
    agree(name, x, dy, dw, input(p.fields), start, count, ...range(rng, p.taps));
  });

export const depthwise = {
  u8_depthwise: convolutions((rng, p) => {
    const x = input(bytes(rng, p.elements));
    const weights = input(pairTaps(codes(rng, p.channels * p.taps), p.channels));
    const [start, count] = range(rng, p.lines);
    const real = rng.int(2);
    const size = count * p.outW * p.channels;
    const c = output(real ? new Float32Array(size) : new Int32Array(size));
    agree("u8_depthwise", x, weights, c, input(p.fields), start, count, real, scratch(new Uint8Array(p.work)));
  }),
  f32_depthwise: convolutions((rng, p) => {
    const x = input(reals(rng, p.elements, "tame"));
    const w = input(reals(rng, p.taps * p.channels, "tame"));
    const [start, count] = range(rng, p.lines);
    const c = output(new Float32Array(count * p.outW * p.channels));
    agree("f32_depthwise", x, w, c, input(p.fields), start, count, scratch(new Uint8Array(p.work)));
  }),
  f32_depthwise_bwd_input: convolutions((rng, p) => {
    const images = 1 + rng.int(p.fields[0]);
    const dy = input(reals(rng, images * p.outH * p.outW * p.channels, "tame"));
    const w = input(reals(rng, p.taps * p.channels, "tame"));
    // inout: later images stay as they were.
    const dx = inout(reals(rng, p.elements, "tame"));
    agree("f32_depthwise_bwd_input", dy, w, dx, input(p.fields), images, scratch(new Uint8Array(p.work)));
  }),
  f32_depthwise_bwd_weight: weightGradient("f32_depthwise_bwd_weight"),
  u8_depthwise_bwd_weight_f32: weightGradient("u8_depthwise_bwd_weight_f32"),
  u8_depthwise_work: convolutions((_rng, { work, taps, channels }) => {
    if (!(work >= 4 * (taps + channels) && work < 8 * (taps + 4) + 4 * channels + 64)) {
      throw new Error(`u8_depthwise_work: ${work}`);
    }
  }),
} satisfies Record<string, Check>;
