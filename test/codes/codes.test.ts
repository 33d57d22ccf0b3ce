/** @file The vocabulary of codes: level sets, dense bits, scales, rows, sums, ranks. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packedBytes, packFields, storageBits } from "../../src/codes/bits.js";
import { bitsOfTop, checkBits, isWeightCode, staircaseTop, weightTop } from "../../src/codes/levels.js";
import { largestAt, rankOf } from "../../src/codes/ranking.js";
import { channelsFirst, channelsLast } from "../../src/codes/rows.js";
import { PIXEL_STEP, scalesOf } from "../../src/codes/scales.js";
import { EXACT_LIMIT, largestSum, MAX_PATCH, rowMass, sumsOf } from "../../src/codes/sums.js";
import { unorderedChannel } from "../../src/codes/thresholds.js";
import { ArgumentError } from "../../src/core/errors.js";

const WIDTHS = [1, 2, 3, 4, 5, 6, 7, 8];

describe("level sets", () => {
  it("have the tops of the papers", () => {
    expect(WIDTHS.map(weightTop)).toEqual([1, 1, 3, 7, 15, 31, 63, 127]);
    expect(WIDTHS.map(staircaseTop)).toEqual([1, 3, 7, 15, 31, 63, 127, 255]);
    expect(WIDTHS.map(staircaseTop).map(bitsOfTop)).toEqual(WIDTHS);
    expect([0, 2, 4, 9].map(bitsOfTop)).toEqual([0, 2, 3, 4]);
  });

  it("hold −top…top, without 0 for one bit", () => {
    const members = (bits: number): number[] =>
      Array.from({ length: 257 }, (_, i) => i - 128).filter((code) => isWeightCode(code, bits));
    expect(members(1)).toEqual([-1, 1]);
    expect(members(2)).toEqual([-1, 0, 1]);
    expect(members(3)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    expect(members(8)).toHaveLength(255);
  });

  it("are of 1 to 8 bits", () => {
    for (const bits of WIDTHS) checkBits("op", bits);
    for (const bits of [0, 9, 1.5, Number.NaN]) expect(() => checkBits("op", bits)).toThrow(ArgumentError);
    expect(() => checkBits("op", 2, 3)).toThrow("an integer from 3 to 8");
  });
});

it("fields lie densely, the first in the lowest bits", () => {
  expect([...packFields(5, 2, (i) => [1, 2, 3, 0, 3][i])]).toEqual([0b00111001, 0b11]);
  fc.assert(
    fc.property(fc.constantFrom(...WIDTHS), fc.array(fc.nat(255), { maxLength: 40 }), (bits, values) => {
      const size = storageBits(bits);
      const fields = values.map((value) => value % 2 ** size);
      const bytes = packFields(fields.length, size, (i) => fields[i]);
      expect(bytes.length).toBe(packedBytes(fields.length, bits));
      const stream = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).reverse();
      const expected = fields.map((field) => field.toString(2).padStart(size, "0")).reverse();
      expect(stream.join("").padStart(8, "0").replace(/^0*/, "")).toBe(expected.join("").replace(/^0*/, ""));
    }),
  );
});

it("scales are rounded once, one for all or one each", () => {
  const delta = Float32Array.of(0.1, 0.3);
  expect([...scalesOf(delta, PIXEL_STEP, 2)]).toEqual([...delta].map((d) => Math.fround(d * PIXEL_STEP)));
  expect([...scalesOf(delta.subarray(0, 1), 1, 3)]).toEqual(Array(3).fill(Math.fround(0.1)));
});

it("rows turn channels inside out and back", () => {
  const [O, I, taps] = [2, 3, 4];
  const weights = Int8Array.from({ length: O * I * taps }, (_, i) => i);
  const rows = channelsLast(weights, O, taps);
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < I; i++) {
      for (let t = 0; t < taps; t++) expect(rows[(o * taps + t) * I + i]).toBe(weights[(o * I + i) * taps + t]);
    }
  }
  expect(channelsFirst(rows, O, taps)).toEqual(weights);
  const vector = Float32Array.of(1, 2, 3, 4);
  expect(channelsLast(vector, 2, 1)).toEqual(vector);
  expect(channelsLast(vector, 2, 1)).not.toBe(vector);
  expect(channelsFirst(new Int32Array(), 0, 9)).toEqual(new Int32Array());
});

describe("sums", () => {
  it("reach from the negative codes' to the positive ones'", () => {
    const sums = sumsOf(Int8Array.of(1, -1, 1, 0, -3, -2), 2, 15);
    expect(sums).toEqual({ least: Float64Array.of(-15, -75), most: Float64Array.of(30, 0) });
    expect(largestSum(sums)).toBe(75);
    expect(rowMass([1, -1, 1, 0, -3, -2], 2)).toBe(5);
    expect(rowMass([], 0)).toBe(0);
  });

  it("have limits that follow from 32 bits, and from f32's 24", () => {
    expect(MAX_PATCH * 255 * 128).toBeLessThan(2 ** 31);
    expect((MAX_PATCH + 1) * 255 * 128).toBeGreaterThanOrEqual(2 ** 31);
    expect(Math.fround(EXACT_LIMIT - 1)).toBe(EXACT_LIMIT - 1);
    expect(Math.fround(EXACT_LIMIT + 1)).not.toBe(EXACT_LIMIT + 1);
  });
});

it("thresholds that step back are found by channel", () => {
  const of = (...values: number[]) => ({ values: Int32Array.from(values), flip: Uint8Array.of(0, 1), top: 3 });
  expect(unorderedChannel(of(1, 1, 2, 5, 5, 4))).toBe(null);
  expect(unorderedChannel(of(1, 2, 1, 5, 5, 4))).toBe(0);
  expect(unorderedChannel(of(1, 1, 2, 5, 6, 4))).toBe(1);
});

describe("ranks", () => {
  it("count larger values and equal ones before", () => {
    const values = [9, 3, 5, 5, 1];
    expect([0, 1, 2, 3].map((label) => rankOf(values, label, 1, 4))).toEqual([2, 0, 1, 3]);
    expect(largestAt(values, 1, 4)).toBe(1);
    expect(largestAt(values)).toBe(0);
  });

  it("agree on the first place", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 9 }), (values) => {
        expect(values.map((_, label) => rankOf(values, label)).indexOf(0)).toBe(largestAt(values));
      }),
    );
  });

  it("never let NaN be right", () => {
    expect(rankOf([Number.NaN, 1, 2], 0)).toBe(Number.POSITIVE_INFINITY);
    expect(rankOf([Number.NaN, 1, 2], 2)).toBe(1);
  });
});
