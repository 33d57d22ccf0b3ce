import fc from "fast-check";
import { expect, it } from "vitest";
import type { Sums } from "../../src/codes/sums.js";
import type { Thresholds } from "../../src/codes/thresholds.js";
import { QuantError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { type ChannelMap, codeOf, foldThresholds, type Steps } from "../../src/export/fold.js";
import { decodeThresholds, encodeThresholds } from "../../src/format/thresholds.js";

interface Range {
  lo: number;
  hi: number;
}

/** One range for each channel. */
const within = (...ranges: Range[]): Sums => ({
  least: Float64Array.from(ranges, ({ lo }) => lo),
  most: Float64Array.from(ranges, ({ hi }) => hi),
});

/** The runtime's rule, written independently of the kernel. */
function compare(acc: number, { values, flip, top }: Thresholds, c: number): number {
  return values
    .subarray(c * top, (c + 1) * top)
    .reduce((reached, t) => reached + Number(flip[c] === 1 ? acc <= t : acc >= t), 0);
}

/** Training's f32 operations through typed arrays: each store rounds. Independent of `codeOf`. */
function trainingCode(acc: number, map: ChannelMap, { alpha, top, rounding }: Steps): number {
  const y = new Float32Array([acc]);
  y[0] *= map.scale;
  if (map.bias !== undefined) y[0] += map.bias;
  if (map.affine !== undefined) {
    y[0] *= map.affine.scale;
    y[0] += map.affine.shift;
  }
  if (!(y[0] > 0)) return 0;
  y[0] /= alpha;
  if (rounding === "ceil") return Math.min(top, Math.ceil(y[0]));
  const up = Math.floor(y[0] + 0.5);
  return Math.min(top, up - y[0] === 0.5 && up % 2 === 1 ? up - 1 : up);
}

function expectExact(map: ChannelMap, range: Range, steps: Steps): void {
  const folded = foldThresholds("layer", [map], within(range), steps);
  for (let acc = range.lo; acc <= range.hi; acc++) {
    if (compare(acc, folded, 0) !== trainingCode(acc, map, steps)) {
      expect.fail(`acc ${acc}: ${compare(acc, folded, 0)} for ${JSON.stringify({ map, range, steps })}`);
    }
  }
}

const { fround } = Math;
const bits = fc.integer({ min: 1, max: 8 });
const rounding = fc.constantFrom("ceil" as const, "nearest" as const);
/** Signed numbers from tiny to large, zero included. */
const factor = fc
  .tuple(fc.constantFrom(-1, 0, 1, 1, 1), fc.integer({ min: -30, max: 12 }), fc.double({ min: 1, max: 2, noNaN: true }))
  .map(([sign, power, mantissa]) => fround(sign * mantissa * 2 ** power));
const positive = factor.filter((n) => n > 0);

it("thresholds give training's code for every reachable accumulator", () => {
  fc.assert(
    fc.property(
      fc.record({ scale: positive, bias: fc.option(factor, { nil: undefined }) }),
      fc.option(fc.record({ scale: factor, shift: factor }), { nil: undefined }),
      fc.integer({ min: 0, max: 900 }),
      fc.integer({ min: 0, max: 900 }),
      fc.record({ alpha: positive, bits, rounding }),
      ({ scale, bias }, affine, below, above, { alpha, bits, rounding }) => {
        expectExact({ scale, bias, affine }, { lo: -below, hi: above }, { alpha, top: 2 ** bits - 1, rounding });
      },
    ),
    { numRuns: 600 },
  );
});

it("holds where steps are as fine as training's: scales near alpha/100, ties and exact multiples included", () => {
  const rng = new Rng("fold");
  for (let trial = 0; trial < 150; trial++) {
    const alpha = fround(rng.range(0.001, 5));
    // Dyadic scales hit the edges of the staircase exactly; the others fall one ulp either side.
    const scale = trial % 3 === 0 ? fround(alpha / 2 ** rng.int(6)) : fround(alpha * rng.range(0.002, 0.2));
    const affine =
      trial % 4 === 0 ? undefined : { scale: fround(rng.range(-2, 2)), shift: fround(rng.range(-20, 20) * alpha) };
    const map = { scale, bias: trial % 2 === 0 ? undefined : fround(rng.range(-1, 1)), affine };
    const steps = { alpha, top: 2 ** (1 + rng.int(8)) - 1, rounding: trial % 5 === 0 ? "nearest" : "ceil" } as const;
    expectExact(map, { lo: -3000, hi: 3000 }, steps);
  }
});

it("covers the whole exact range at its ends", () => {
  const map = { scale: fround(1e-6), affine: { scale: fround(-0.7), shift: fround(0.3) } };
  const steps = { alpha: fround(0.166), top: 15, rounding: "ceil" as const };
  const range = { lo: -(2 ** 24), hi: 2 ** 24 };
  const folded = foldThresholds("layer", [map], within(range), steps);
  for (const t of [range.lo, range.hi, 0, ...folded.values.filter((v) => v >= range.lo && v <= range.hi)]) {
    for (const acc of [t - 1, t, t + 1].filter((n) => n >= range.lo && n <= range.hi)) {
      expect(compare(acc, folded, 0)).toBe(trainingCode(acc, map, steps));
    }
  }
  expect(folded.flip[0]).toBe(1);
});

it("constant channels get sentinels outside or at the start of the range", () => {
  const steps = { alpha: 0.25, top: 3, rounding: "ceil" as const };
  const range = { lo: -10, hi: 20 };
  const fold = (map: ChannelMap) => [...foldThresholds("layer", [map], within(range), steps).values];
  expect(fold({ scale: 1, affine: { scale: 0, shift: 0.5 } })).toEqual([-10, -10, 21]);
  expect(fold({ scale: 1, affine: { scale: 0, shift: -1 } })).toEqual([21, 21, 21]);
  expect(fold({ scale: 0 })).toEqual([21, 21, 21]);
  expect(fold({ scale: 1, affine: { scale: -1, shift: -50 } })).toEqual([-11, -11, -11]);
  expect(fold({ scale: 1, affine: { scale: -1, shift: 50 } })).toEqual([20, 20, 20]);
});

it("refuses what no comparison of integers can repeat", () => {
  const steps = { alpha: 0.25, top: 3, rounding: "ceil" as const };
  const fold =
    (map: ChannelMap, range = { lo: -10, hi: 10 }) =>
    () =>
      foldThresholds("fc1", [map], within(range), steps);
  expect(fold({ scale: 3e38 })).toThrow(QuantError);
  expect(fold({ scale: Number.NaN })).toThrow("fc1, channel 0");
  expect(fold({ scale: 1, bias: Number.POSITIVE_INFINITY })).toThrow(QuantError);
  expect(fold({ scale: 1e30, affine: { scale: 1e30, shift: 0 } })).toThrow("overflow at -10");
  expect(fold({ scale: 1 }, { lo: 0, hi: 2 ** 24 + 1 })).toThrow("2^24");
});

it("rounds as the kernel's rule says at boundary values", () => {
  const steps = { alpha: 0.25, top: 15, rounding: "ceil" as const };
  const codes = [-1, 0, 0.1, 0.25, 0.26, 0.5, 3.5, 3.51, 3.75, 3.76, 9].map((x) =>
    codeOf(1, { scale: fround(x) }, steps),
  );
  expect(codes).toEqual([0, 0, 1, 1, 2, 2, 14, 15, 15, 15, 15]);
  const nearest = [0.124, 0.125, 0.126, 0.375, 0.625].map((x) =>
    codeOf(1, { scale: fround(x) }, { ...steps, rounding: "nearest" }),
  );
  expect(nearest).toEqual([0, 0, 1, 2, 2]);
});

it("the thresholds of a real layer take little more than a byte each on disk", () => {
  const rng = new Rng(7);
  const maps = Array.from({ length: 512 }, () => ({
    scale: fround(0.002),
    affine: { scale: fround(rng.range(0.5, 1.5)), shift: fround(rng.normal() * 0.5) },
  }));
  const folded = foldThresholds("fc1", maps, within(...maps.map(() => ({ lo: -7680, hi: 7680 }))), {
    alpha: fround(0.166),
    top: 15,
    rounding: "ceil",
  });
  const bytes = encodeThresholds(folded);
  expect(bytes.length).toBeLessThan(1.25 * folded.values.length);
  expect(decodeThresholds(bytes, 512, 15, { file: "a.cgm", tensor: "fc1.thresholds" })).toEqual(folded);
});
