/** @file What the convolutions of codes have in common: their geometries, and which lines of output a call computes. */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import { call, input, output, scratch, wasm } from "../harness.js";

/** Arbitraries of a geometry, with paddings wider than the image; channels and filters are the kernel's own. */
export const GEOMETRY = {
  batch: fc.constantFrom(1, 2, 3),
  inH: fc.constantFrom(1, 2, 5, 9, 20),
  inW: fc.constantFrom(1, 3, 4, 6, 9, 14),
  kernelH: fc.constantFrom(1, 2, 3, 7),
  kernelW: fc.constantFrom(1, 2, 3, 5),
  stride: fc.constantFrom(1, 1, 2, 3),
  pad: fc.constantFrom(0, 1, 2, 3),
  dilationH: fc.constantFrom(1, 1, 2),
  real: fc.constantFrom(0, 1),
};

type Drawn = { [Name in keyof typeof GEOMETRY]: number };

/** The operands of a call that do not depend on how the kernel packs weights. */
export interface Lines {
  /** Elements of the images. */
  readonly elements: number;
  readonly geometry: ReturnType<typeof input>;
  /** First line of output, and how many. */
  readonly start: number;
  readonly count: number;
  /** Sums as int32, or as float32 if `real`. */
  readonly c: ReturnType<typeof output>;
  readonly work: ReturnType<typeof scratch>;
}

/**
 * A call for some lines of the output.
 *
 * @param work the kernel that says how many bytes of workspace the geometry takes
 * @returns null if the output has no pixels
 */
export function someLines(
  rng: Rng,
  { batch, inH, inW, kernelH, kernelW, stride, pad, dilationH, real }: Drawn,
  channels: number,
  filters: number,
  work: "u8_i8_conv_work" | "u4_lut_conv_work",
): Lines | null {
  const padLeft = Math.max(0, pad - 1);
  const outH = Math.floor((inH + 2 * pad - (dilationH * (kernelH - 1) + 1)) / stride) + 1;
  const outW = Math.floor((inW + 2 * padLeft - kernelW) / stride) + 1;
  if (outH < 1 || outW < 1) return null;
  const fields = [batch, inH, inW, channels, kernelH, kernelW, stride, stride, pad, padLeft, dilationH, 1];
  const geometry = input(Int32Array.of(...fields, outH, outW, channels));
  const start = rng.int(batch * outH);
  const count = rng.int(batch * outH - start + 1);
  const size = count * outW * filters;
  return {
    elements: batch * inH * inW * channels,
    geometry,
    start,
    count,
    c: output(real ? new Float32Array(size) : new Int32Array(size)),
    work: scratch(new Uint8Array(call(wasm, work, [geometry]).returned as number)),
  };
}
