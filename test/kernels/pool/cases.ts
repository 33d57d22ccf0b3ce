/** @file Pooling against its twins, of all images and of some: bit for bit. */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import { type Drawn, type Geometry, image, windows } from "../conv/window.js";
import { agree, bytes, type Check, inout, input, output, property, reals } from "../harness.js";

const dense = (g: Drawn): Drawn => ({ ...g, extraChannels: 0 });
/** All images, or some of them. */
function images(rng: Rng, { fields }: Geometry): [start: number, count: number] {
  if (rng.bool(0.5)) return [0, fields[0]];
  const start = rng.int(fields[0]);
  return [start, rng.int(fields[0] - start + 1)];
}

export const pool = {
  f32_maxpool: windows((rng, g) => {
    const length = (g.rows * g.width) / (g.fields[4] * g.fields[5]);
    // inout, here and below: what belongs to other images stays as it was.
    const outs = [inout(new Float32Array(length)), inout(new Int32Array(length))];
    agree("f32_maxpool", input(image(rng, g)), ...outs, input(g.fields), ...images(rng, g));
  }),
  u8_maxpool: windows((rng, g) => {
    const length = (g.rows * g.width) / (g.fields[4] * g.fields[5]);
    const x = input(bytes(rng, g.imageLength, rng.bool(0.5) ? 3 : 256)); // few values give ties
    const outs = [inout(new Uint8Array(length)), inout(new Int32Array(length))];
    agree("u8_maxpool", x, ...outs, input(g.fields), ...images(rng, g));
  }),
  u8_maxpool_codes: windows((rng, g) => {
    const length = (g.rows * g.width) / (g.fields[4] * g.fields[5]);
    agree("u8_maxpool_codes", input(bytes(rng, g.imageLength)), output(new Uint8Array(length)), input(g.fields));
  }),
  f32_index_add: () =>
    property(fc.constantFrom(0, 1, 5, 40), (rng, len) => {
      const index = Int32Array.from({ length: len }, () => rng.int(12) - 1); // −1: a window without elements
      agree("f32_index_add", input(reals(rng, len, "tame")), input(index), inout(reals(rng, 11, "tame")), len);
    }),
  f32_avgpool: windows((rng, g) => {
    const out = inout(new Float32Array((g.rows * g.width) / (g.fields[4] * g.fields[5])));
    agree("f32_avgpool", input(image(rng, g)), out, input(g.fields), rng.int(2), ...images(rng, g));
  }),
  f32_avgpool_bwd: windows((rng, g) => {
    const dy = reals(rng, (g.rows * g.width) / (g.fields[4] * g.fields[5]), "tame");
    const dx = inout(new Float32Array(g.imageLength));
    agree("f32_avgpool_bwd", input(dy), dx, input(g.fields), rng.int(2), ...images(rng, g));
  }, dense),
} satisfies Record<string, Check>;
