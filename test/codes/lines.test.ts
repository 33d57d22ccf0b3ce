/**
 * @file Lines in place of thresholds: the same code for every accumulator, and found wherever thresholds come from a
 * line.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Lines, linesOf } from "../../src/codes/lines.js";
import { type Sums, sumsOf } from "../../src/codes/sums.js";
import type { Thresholds } from "../../src/codes/thresholds.js";
import { Rng } from "../../src/core/rng.js";
import { randomThresholds } from "../format/models.js";

const { fround } = Math;

/** The same range for every channel. */
const within = (channels: number, least: number, most: number): Sums => ({
  least: new Float64Array(channels).fill(least),
  most: new Float64Array(channels).fill(most),
});

function byThresholds({ values, flip, top }: Thresholds, c: number, acc: number): number {
  let code = 0;
  for (let k = c * top; k < (c + 1) * top; k++) if (flip[c] ? acc <= values[k] : acc >= values[k]) code++;
  return code;
}

function byLine({ scale, shift }: Lines, top: number, c: number, acc: number): number {
  const y = fround(fround(fround(acc) * scale[c]) + shift[c]);
  const held = Math.min(Math.max(y, 0), top);
  const floor = Math.floor(held);
  const rest = held - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function expectSameCodes(thresholds: Thresholds, lines: Lines, { least, most }: Sums): void {
  for (let c = 0; c < thresholds.flip.length; c++) {
    for (let acc = least[c]; acc <= most[c]; acc++) {
      const code = byThresholds(thresholds, c, acc);
      if (byLine(lines, thresholds.top, c, acc) !== code) {
        expect.fail(`channel ${c}, acc ${acc}: got ${byLine(lines, thresholds.top, c, acc)}, expected ${code}`);
      }
    }
  }
}

/** Thresholds of ceil(f32(f32(acc·scale) + shift)/step), as exporting finds them. */
function folded(rng: Rng, channels: number, top: number, bound: number): Thresholds {
  const values = new Int32Array(channels * top);
  const flip = new Uint8Array(channels);
  const step = fround(rng.range(0.01, 1));
  for (let c = 0; c < channels; c++) {
    const scale = fround((rng.range(-2, 2) * top * step) / bound);
    const shift = fround(rng.range(-1, 1.5) * top * step);
    const code = (acc: number): number => {
      const y = fround(fround(acc * scale) + shift);
      return y <= 0 ? 0 : Math.min(Math.ceil(fround(y / step)), top);
    };
    flip[c] = scale < 0 ? 1 : 0;
    for (let k = 0; k < top; k++) {
      const sign = flip[c] ? -1 : 1;
      let t = -bound - 1;
      while (t <= bound && code(sign * t) <= k) t++;
      values[c * top + k] = sign * (t === -bound - 1 ? -(2 ** 29) : t > bound ? 2 ** 29 : t);
    }
  }
  return { values, flip, top };
}

describe("lines", () => {
  it("are found for folded layers and give every code", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom(1, 3, 15, 255), fc.constantFrom(40, 500, 3000), (seed, top, bound) => {
        const thresholds = folded(new Rng(seed), 3, top, bound);
        const sums = within(3, -bound, Math.ceil(bound / 3));
        const lines = linesOf(thresholds, sums);
        // A slope of many codes a step leaves thresholds that coincide, and no room beside them.
        if (lines === null) expect(bound).toBeLessThan(4 * top);
        else expectSameCodes(thresholds, lines, sums);
      }),
      { numRuns: 60 },
    );
  });

  it("are given up, or give every code, for thresholds of any kind", () => {
    let found = 0;
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom(1, 2, 3, 7), fc.constantFrom(3, 60), (seed, top, bound) => {
        const rng = new Rng(seed);
        const thresholds = randomThresholds(rng, 2, top, bound);
        const sums = within(2, -bound, bound);
        const lines = linesOf(thresholds, sums);
        if (lines === null) return;
        found++;
        expectSameCodes(thresholds, lines, sums);
      }),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(50);
  });

  it("are given up where thresholds bend", () => {
    const flip = Uint8Array.of(0);
    expect(linesOf({ values: Int32Array.of(0, 10, 40), flip, top: 3 }, within(1, -100, 100))).toBeNull();
    expect(linesOf({ values: Int32Array.of(0, 10, 20), flip, top: 3 }, within(1, -100, 100))).not.toBeNull();
    // A bend beyond every sum does not matter, on either side.
    expect(
      linesOf({ values: Int32Array.of(0, -10, -40), flip: Uint8Array.of(1), top: 3 }, within(1, -15, 99)),
    ).not.toBeNull();
    expect(linesOf({ values: Int32Array.of(0, 10, 40), flip, top: 3 }, within(1, -15, 15))).not.toBeNull();
  });

  it("stand for one code where no threshold lies within the sums", () => {
    const thresholds = { values: Int32Array.of(-500, -300, 400), flip: Uint8Array.of(0), top: 3 };
    expect(linesOf(thresholds, within(1, -200, 200))).toEqual({ scale: Float32Array.of(0), shift: Float32Array.of(2) });
  });

  it("know the sums of a layer", () => {
    const sums = sumsOf(Int8Array.of(1, -1, 0, -7, 3, 2), 2, 15);
    expect(sums).toEqual({ least: Float64Array.of(-15, -105), most: Float64Array.of(15, 75) });
  });
});
