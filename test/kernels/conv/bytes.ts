/**
 * @file The convolution of bytes, exactly: odd runs, every remainder of columns and filters, paddings wider than the
 * image, and the workspace's bounds.
 */
import fc from "fast-check";
import { agree, bytes, type Check, call, codes, extents, input, output, property, twin, wasm } from "../harness.js";
import { GEOMETRY, someLines } from "./lines.js";

const convolutions = fc.record({
  ...GEOMETRY,
  channels: fc.constantFrom(1, 2, 3, 3, 4, 16),
  filters: fc.constantFrom(1, 7, 8, 9, 16, 20),
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
      (rng, { channels, filters, ...drawn }) => {
        const lines = someLines(rng, drawn, channels, filters, "u8_i8_conv_work");
        if (lines === null) return;
        const { elements, geometry, start, count, c, work } = lines;
        const [runs, run] = [drawn.kernelH, drawn.kernelW * channels];
        const weights = input(packed(codes(rng, filters * runs * run), filters, runs, run));
        const x = input(bytes(rng, elements));
        agree("u8_i8_conv", x, weights, c, geometry, start, count, filters, drawn.real, work);
      },
      200,
    ),
  u8_i8_conv_work: () => {
    const fields = Int32Array.of(1, 224, 224, 3, 7, 7, 2, 2, 3, 3, 1, 1, 112, 112, 3);
    const size = call(wasm, "u8_i8_conv_work", [input(fields)]).returned as number;
    if (!(size > 21 * 229 * 3 * 2 && size < 2 ** 15)) throw new Error(`u8_i8_conv_work: ${size}`);
  },
} satisfies Record<string, Check>;
