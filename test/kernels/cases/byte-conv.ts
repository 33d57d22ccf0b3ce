/** @file The convolution of bytes, exactly: odd runs, every remainder of columns and filters, paddings wider than the image, and the workspace's bounds. */
import fc from "fast-check";
import {
  agree,
  bytes,
  type Check,
  call,
  codes,
  extents,
  input,
  output,
  property,
  scratch,
  twin,
  wasm,
} from "../harness.js";

const convolutions = fc.record({
  batch: fc.constantFrom(1, 2, 3),
  inH: fc.constantFrom(1, 2, 5, 9, 20),
  inW: fc.constantFrom(1, 3, 4, 6, 9, 14),
  channels: fc.constantFrom(1, 2, 3, 3, 4, 16),
  kernelH: fc.constantFrom(1, 2, 3, 7),
  kernelW: fc.constantFrom(1, 2, 3, 5),
  stride: fc.constantFrom(1, 1, 2, 3),
  pad: fc.constantFrom(0, 1, 2, 3),
  dilationH: fc.constantFrom(1, 1, 2),
  filters: fc.constantFrom(1, 7, 8, 9, 16, 20),
  real: fc.constantFrom(0, 1),
});

function packed(weights: Int8Array, filters: number, runs: number, run: number): Uint8Array {
  const out = output(new Uint8Array(Math.ceil(filters / 8) * runs * Math.ceil(run / 2) * 32));
  return call(twin, "i8_pair_pack", [input(weights), out, filters, runs, run]).outputs[0] as Uint8Array;
}

export const byteConv = {
  i8_pair_pack: () =>
    property(fc.record({ filters: extents, runs: extents, run: extents }), (rng, { filters, runs, run }) => {
      const out = new Uint8Array(Math.ceil(filters / 8) * runs * Math.ceil(run / 2) * 32);
      agree("i8_pair_pack", input(codes(rng, filters * runs * run)), output(out), filters, runs, run);
    }),
  u8_i8_conv: () =>
    property(
      convolutions,
      (rng, { batch, inH, inW, channels, kernelH, kernelW, stride, pad, dilationH, filters, real }) => {
        const padLeft = Math.max(0, pad - 1);
        const outH = Math.floor((inH + 2 * pad - (dilationH * (kernelH - 1) + 1)) / stride) + 1;
        const outW = Math.floor((inW + 2 * padLeft - kernelW) / stride) + 1;
        if (outH < 1 || outW < 1) return;
        const fields = [batch, inH, inW, channels, kernelH, kernelW, stride, stride, pad, padLeft, dilationH, 1];
        const geometry = input(Int32Array.of(...fields, outH, outW, channels));
        const x = input(bytes(rng, batch * inH * inW * channels));
        const run = kernelW * channels;
        const weights = input(packed(codes(rng, filters * kernelH * run), filters, kernelH, run));
        const start = rng.int(batch * outH);
        const count = rng.int(batch * outH - start + 1);
        const size = count * outW * filters;
        const c = output(real ? new Float32Array(size) : new Int32Array(size));
        const bytesNeeded = call(wasm, "u8_i8_conv_work", [geometry]).returned as number;
        agree("u8_i8_conv", x, weights, c, geometry, start, count, filters, real, scratch(new Uint8Array(bytesNeeded)));
      },
      200,
    ),
  u8_i8_conv_work: () => {
    const fields = Int32Array.of(1, 224, 224, 3, 7, 7, 2, 2, 3, 3, 1, 1, 112, 112, 3);
    const size = call(wasm, "u8_i8_conv_work", [input(fields)]).returned as number;
    if (!(size > 21 * 229 * 3 * 2 && size < 2 ** 15)) throw new Error(`u8_i8_conv_work: ${size}`);
  },
} satisfies Record<string, Check>;
