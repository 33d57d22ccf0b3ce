/**
 * @file The convolution of bytes, exactly: runs that are no whole quads, every remainder of columns and filters, codes
 * and weights that may be summed in 16 bits for a while or not at all, paddings wider than the image, and the
 * workspace's bounds.
 */
import fc from "fast-check";
import { quadBytes } from "../../../src/kernels/byte-conv.js";
import { agree, bytes, type Check, call, codes, extents, input, output, property, twin, wasm } from "../harness.js";
import { GEOMETRY, someLines } from "./lines.js";

const convolutions = fc.record({
  ...GEOMETRY,
  channels: fc.constantFrom(1, 2, 3, 3, 4, 16, 70),
  filters: fc.constantFrom(1, 7, 8, 9, 16, 20),
  // Sums of 15·8 hold 136 quads, of 127·32 four, of 127·33 three, which is too few.
  codesBelow: fc.constantFrom(2, 16, 128, 129, 256),
  weightsTo: fc.constantFrom(1, 8, 32, 33, 128),
});

function packed(weights: Int8Array, filters: number, runs: number, run: number): Uint8Array {
  const out = output(new Uint8Array(quadBytes(filters, runs, run)));
  return call(twin, "i8_quad_pack", [input(weights), out, filters, runs, run]).outputs[0] as Uint8Array;
}

export const byteConv = {
  i8_quad_pack: () =>
    property(fc.record({ filters: extents, runs: extents, run: extents }), (rng, { filters, runs, run }) => {
      const out = new Uint8Array(quadBytes(filters, runs, run));
      const weights = codes(rng, filters * runs * run, 2 ** rng.int(8));
      agree("i8_quad_pack", input(weights), output(out), filters, runs, run);
    }),
  u8_i8_conv: () =>
    property(
      convolutions,
      (rng, { channels, filters, codesBelow, weightsTo, ...drawn }) => {
        const lines = someLines(rng, drawn, channels, filters, "u8_i8_conv_work");
        if (lines === null) return;
        const { elements, geometry, start, count, c, work } = lines;
        const [runs, run] = [drawn.kernelH, drawn.kernelW * channels];
        // All at their largest, or any.
        const extreme = rng.bool(0.3);
        const filter = codes(rng, filters * runs * run, weightsTo).map((w) => (extreme ? -weightsTo : w));
        const image = bytes(rng, elements, codesBelow).map((x) => (extreme ? codesBelow - 1 : x));
        const weights = input(packed(filter, filters, runs, run));
        agree("u8_i8_conv", input(image), weights, c, geometry, start, count, filters, drawn.real, work);
      },
      300,
    ),
  u8_i8_conv_work: () => {
    const fields = Int32Array.of(1, 224, 224, 3, 7, 7, 2, 2, 3, 3, 1, 1, 112, 112, 3);
    const size = call(wasm, "u8_i8_conv_work", [input(fields)]).returned as number;
    if (!(size > 21 * 229 * 3 * 2 + 7 * 6 * 64 && size < 2 ** 15 + 2 ** 12)) {
      throw new Error(`u8_i8_conv_work: ${size}`);
    }
  },
} satisfies Record<string, Check>;
