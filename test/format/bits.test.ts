import fc from "fast-check";
import { expect, it } from "vitest";
import { packedBytes, storageBits } from "../../src/codes/bits.js";
import { type Thresholds, unorderedChannel } from "../../src/codes/thresholds.js";
import { FormatError, QuantError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { decodeThresholds, encodeThresholds, packCodes, unpackCodes } from "../../src/format/index.js";
import { randomCodes, randomThresholds } from "./models.js";

const PLACE = { file: "a.cgm", tensor: "fc.weight" };

it("stores 1, 2, 4 or 8 bits per code", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(storageBits)).toEqual([1, 2, 4, 4, 8, 8, 8, 8]);
});

it("lays bits out as the diagram says: least significant first", () => {
  expect([...packCodes(Int8Array.of(1, -1, -1, 1, 1, 1, 1, -1, 1), 1)]).toEqual([0b01111001, 0b1]);
  expect([...packCodes(Int8Array.of(1, -1, 0, 1, -1), 2)]).toEqual([0b01001101, 0b11]);
  expect([...packCodes(Int8Array.of(-3, 2, 3), 3)]).toEqual([0x2d, 0x03]);
  expect([...packCodes(Int8Array.of(7, -7, 1), 4)]).toEqual([0x97, 0x01]);
  expect([...packCodes(Int8Array.of(-127, 5), 8)]).toEqual([0x81, 0x05]);
});

it("comes back from its bytes, for every width and length", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 70 }), fc.nat(), (bits, count, seed) => {
      const codes = randomCodes(new Rng(seed), count, bits);
      const bytes = packCodes(codes, bits);
      expect(bytes.length).toBe(packedBytes(count, bits));
      expect(bytes.length).toBe(Math.ceil((count * storageBits(bits)) / 8));
      expect(unpackCodes(bytes, count, bits, PLACE)).toEqual(codes);
    }),
    { numRuns: 500 },
  );
});

it.each([
  [0, 1],
  [2, 1],
  [-2, 2],
  [4, 3],
  [-8, 4],
  [16, 5],
  [-128, 8],
])("refuses to pack code %i in %i bits", (code, bits) => {
  expect(() => packCodes(Int8Array.of(1, code), bits)).toThrow(QuantError);
  expect(() => packCodes(Int8Array.of(1, code), bits)).toThrow("code 1");
});

it.each([
  ["a short buffer", [0], 9, 1, "2 bytes"],
  ["a long buffer", [0, 0], 8, 1, "1 bytes"],
  ["a padding bit", [0b1111], 3, 1, "padding bits"],
  ["the unused 2-bit code", [0b10], 1, 2, "[-1, 1], got -2"],
  ["the unused 4-bit code", [0x08], 1, 4, "[-7, 7], got -8"],
  ["a 3-bit code of four bits", [0x04], 1, 3, "[-3, 3], got 4"],
  ["a 5-bit code of eight bits", [0x10], 1, 5, "[-15, 15], got 16"],
  ["the unused 8-bit code", [0x80], 1, 8, "[-127, 127], got -128"],
])("refuses %s", (_name, bytes, count, bits, message) => {
  const read = () => unpackCodes(Uint8Array.from(bytes), count, bits, PLACE);
  expect(read).toThrow(FormatError);
  expect(read).toThrow(message);
  expect(read).toThrow("a.cgm: fc.weight");
});

it.each([false, true])("thresholds come back from their bytes, and no other bytes give them; lines: %s", (lines) => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(1, 10, 1000, 2 ** 22),
      (seed, bits, channels, spread) => {
        const thresholds = randomThresholds(new Rng(seed), channels, 2 ** bits - 1, spread);
        const bytes = encodeThresholds(thresholds, lines);
        expect(decodeThresholds(bytes, channels, 2 ** bits - 1, PLACE, lines)).toEqual(thresholds);
        // Lines are chosen where they are shorter; their slopes and starts have some slack.
        if (lines) {
          expect(bytes.length).toBeLessThanOrEqual(encodeThresholds(thresholds).length + channels);
          return;
        }
        // Any changed byte either fails or gives other thresholds: the code has no slack.
        const at = seed % bytes.length;
        const changed = bytes.slice();
        changed[at] ^= 1 << (seed % 8);
        let other: unknown;
        try {
          other = decodeThresholds(changed, channels, 2 ** bits - 1, PLACE);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
        expect(other).not.toEqual(thresholds);
      },
    ),
    { numRuns: 400 },
  );
});

/** Thresholds of a staircase through f32 rounding: k·gap from a start, cut where the sums end. */
function steps(rng: Rng, channels: number, top: number): Thresholds {
  const values = new Int32Array(channels * top);
  const flip = Uint8Array.from({ length: channels }, () => rng.int(2));
  for (let c = 0; c < channels; c++) {
    const [gap, start] = [rng.range(0.2, 5000), rng.range(-1e5, 1e5)];
    const [least, most] = [start - 1 + rng.int(2) * 20 * gap, start + gap * top * rng.range(0.4, 1.5)];
    for (let k = 0; k < top; k++) {
      const exact = start + gap * k;
      // What f32 makes of a number near a whole one.
      const moved = Math.abs(exact - Math.round(exact)) < 0.02 ? Math.round(exact) + rng.int(2) : Math.ceil(exact);
      const held = Math.min(Math.max(moved, Math.ceil(least)), Math.floor(most));
      values[c * top + k] = flip[c] === 1 ? -held : held;
    }
  }
  return { values, flip, top };
}

it("thresholds of many codes take a line and its exceptions: a twelfth of the bytes", () => {
  const [channels, top] = [64, 255];
  for (let seed = 0; seed < 20; seed++) {
    const thresholds = steps(new Rng(seed), channels, top);
    const bytes = encodeThresholds(thresholds, true);
    expect(decodeThresholds(bytes, channels, top, PLACE, true)).toEqual(thresholds);
    expect(bytes.length, `seed ${seed}`).toBeLessThan(encodeThresholds(thresholds).length / 12);
  }
});

it("a damaged stream of lines is refused, or gives monotone thresholds inside their range", () => {
  const rng = new Rng("lines");
  const bytes = encodeThresholds(steps(new Rng(5), 9, 63), true);
  let refused = 0;
  for (let trial = 0; trial < 4000; trial++) {
    const changed = bytes.slice(0, trial % 7 === 0 ? 1 + rng.int(bytes.length - 1) : undefined);
    for (let i = 0; i < 1 + rng.int(3); i++) changed[rng.int(changed.length)] = rng.int(256);
    try {
      const found = decodeThresholds(changed, 9, 63, PLACE, true);
      expect(unorderedChannel(found)).toBeNull();
      expect(found.values.every((t) => Math.abs(t) < 2 ** 30)).toBe(true);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

it.each([
  ["a line: 3, 5, 7, corrected to 3, 6, 7", [4 * 6 + 2, 0, 2, 0, 2 * 2, 0], [3, 6, 7]],
  ["a line that ends at 4 above the first", [4 * 6 + 2, 1, 3, 0, 4, 0], [3, 6, 7]],
  ["half a step a code, falling", [4 * 6 + 3, 2, 1, 2, 0], [3, 2, 2]],
  ["a list", [4 * 6, 2, 0], [3, 5, 7]],
])("reads %s", (_name, bytes, values) => {
  expect([...decodeThresholds(Uint8Array.from(bytes), 1, 3, PLACE, true).values]).toEqual(values);
});

it.each([
  ["a line without its end", [4 * 6 + 2, 0, 2, 0], 1, 3, "ends inside a number"],
  ["a correction behind the last", [4 * 6 + 2, 0, 2, 0, 2 * 4, 0], 1, 3, "corrections of 3 thresholds"],
  ["a correction of nothing", [4 * 6 + 2, 0, 2, 0, 1, 0], 1, 3, "corrections of 3 thresholds"],
  ["a correction that steps back", [4 * 6 + 2, 0, 0, 0, 2 * 2 + 1, 0], 1, 3, "monotone"],
  ["a line out of range", [4 * 6 + 2, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0], 1, 3, "inside ±2^30"],
  ["channels without bytes", [0, 0, 0, 0, 0], 2, 255, "at least 10 bytes"],
])("refuses %s in lines", (_name, bytes, channels, top, message) => {
  const read = () => decodeThresholds(Uint8Array.from(bytes), channels, top, PLACE, true);
  expect(read).toThrow(FormatError);
  expect(read).toThrow(message);
});

it.each([
  ["a short stream", [1], 1, 3, "at least 3 bytes"],
  ["an end inside a number", [0, 0, 0x80], 1, 3, "ends inside a number"],
  ["a wasted byte", [0, 0x80, 0, 0], 1, 3, "as few bytes as possible"],
  ["bytes after the end", [0, 0, 0, 0], 1, 3, "goes on after the last channel"],
  ["a step back", [0, 2, 5], 1, 3, "monotone"],
  ["an endless number", [0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 1, 1, "at most 5 bytes"],
  ["a threshold out of range", [0xff, 0xff, 0xff, 0xff, 0x1f], 1, 1, "inside ±2^30"],
])("refuses %s in thresholds", (_name, bytes, channels, top, message) => {
  const read = () => decodeThresholds(Uint8Array.from(bytes), channels, top, PLACE);
  expect(read).toThrow(FormatError);
  expect(read).toThrow(message);
});
