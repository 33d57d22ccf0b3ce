/** @file IDX: the documented bytes, round trips, and every way a file can be broken. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { type IdxData, readIdx, writeIdx } from "../../src/io/idx.js";
import { refusal, refusesEveryCut, survivesMutation, unaligned } from "./malformed.js";

const header = (type: number, ...extents: number[]) => [
  ...[0, 0, type, extents.length],
  ...extents.flatMap((extent) => [extent >>> 24, (extent >>> 16) & 255, (extent >>> 8) & 255, extent & 255]),
];

const array: fc.Arbitrary<{ shape: number[]; data: IdxData }> = fc
  .tuple(
    fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 4 }),
    fc.constantFrom(Uint8Array, Int8Array, Int32Array, Float32Array, Float64Array),
    fc.infiniteStream(fc.integer()),
  )
  .map(([shape, Type, values]) => {
    const data = new Type(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = values.next().value as number;
    return { shape, data };
  });

describe("readIdx", () => {
  it("reads bytes written out by hand, in every element type", () => {
    const u8 = readIdx(Uint8Array.of(...header(8, 2, 3), 1, 2, 3, 4, 5, 255));
    expect(u8).toEqual({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 255) });
    expect(readIdx(Uint8Array.of(...header(9, 2), 255, 127)).data).toEqual(Int8Array.of(-1, 127));
    expect(readIdx(Uint8Array.of(...header(11, 2), 255, 254, 1, 0)).data).toEqual(Int32Array.of(-2, 256));
    expect(readIdx(Uint8Array.of(...header(12, 1), 255, 255, 255, 253)).data).toEqual(Int32Array.of(-3));
    expect(readIdx(Uint8Array.of(...header(13, 1), 0xbf, 0x80, 0, 0)).data).toEqual(Float32Array.of(-1));
    expect(readIdx(Uint8Array.of(...header(14, 1), 0x40, 0, 0, 0, 0, 0, 0, 0)).data).toEqual(Float64Array.of(2));
  });
  it("gives back what writeIdx wrote, from any offset of a buffer", () => {
    fc.assert(
      fc.property(array, ({ shape, data }) => {
        expect(readIdx(unaligned(writeIdx(shape, data)))).toEqual({ shape, data });
      }),
    );
  });
  it("gives a copy", () => {
    const bytes = writeIdx([2], Uint8Array.of(1, 2));
    const { data } = readIdx(bytes);
    bytes.fill(9);
    expect(data).toEqual(Uint8Array.of(1, 2));
  });
});

describe("malformed files", () => {
  it.each<[string, number[], RegExp]>([
    ["empty", [], /truncated IDX header; expected at least 4 bytes, got 0/],
    ["first byte not zero", [1, 0, 8, 1, 0, 0, 0, 0], /not an IDX file.*got 0x01000801/],
    ["unknown type", [0, 0, 10, 1, 0, 0, 0, 0], /not an IDX file.*got 0x00000a01/],
    ["no extents", [0, 0, 8, 0, 7], /not an IDX file/],
    ["still packed", [0x1f, 0x8b, 8, 0, 0, 0], /gzip/],
    ["short extents", [0, 0, 8, 3, 0, 0, 0, 1], /truncated IDX header; expected 16 bytes, got 8/],
    ["short data", [...header(8, 2, 2), 1, 2, 3], /truncated IDX file; expected 16 bytes for u8\[2,2\], got 15/],
    [
      "long data",
      [...header(8, 2), 1, 2, 3],
      /trailing bytes after the IDX data; expected 10 bytes for u8\[2\], got 11/,
    ],
    ["huge extents", header(14, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1), /truncated IDX file/],
    ["overflowing extents", [0, 0, 8, 255, ...new Array(254 * 4).fill(255), 0, 0, 0, 0], /IDX/],
  ])("%s", (_, bytes, message) => {
    expect(refusal(readIdx, Uint8Array.from(bytes))).toMatch(message);
  });
  it("every cut and every mutation", () => {
    const good = writeIdx([2, 3, 1], Int32Array.of(1, -2, 3, -4, 5, -6));
    refusesEveryCut(readIdx, good);
    survivesMutation(readIdx, good);
  });
  it("writeIdx refuses a shape that does not fit", () => {
    expect(() => writeIdx([2, 2], new Uint8Array(3))).toThrow(FormatError);
    expect(() => writeIdx([], new Uint8Array(1))).toThrow(FormatError);
    expect(() => writeIdx([-1, -1], new Uint8Array(1))).toThrow(FormatError);
  });
});
