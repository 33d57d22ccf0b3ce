/**
 * @file Pictures made to harm: damaged in every way that a decoder might trip over, or promising more pixels than the
 * file can hold.
 */
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { convertIndexedToRgb, decode, encode } from "fast-png";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { crc32 } from "../../src/io/checksum.js";
import { decodeImage } from "../../src/node/images/picture.js";
import { readPng } from "../../src/node/images/png.js";

interface Spec {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly type?: number;
  readonly interlace?: number;
  readonly rows: Uint8Array;
  readonly palette?: Uint8Array;
  readonly alphas?: Uint8Array;
  readonly more?: readonly [string, Uint8Array][];
}
function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}
function png({
  width,
  height,
  depth = 8,
  type = 0,
  interlace = 0,
  rows,
  palette,
  alphas,
  more = [],
}: Spec): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, type, 0, 0, interlace], 8);
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      chunk("IHDR", header),
      ...more.map(([name, data]) => chunk(name, data)),
      ...(palette === undefined ? [] : [chunk("PLTE", palette)]),
      ...(alphas === undefined ? [] : [chunk("tRNS", alphas)]),
      chunk("IDAT", deflateSync(rows)),
      chunk("IEND", new Uint8Array()),
    ]),
  );
}
function refused(bytes: Uint8Array, limits?: { maxPixels: number }): string {
  let error: unknown;
  try {
    decodeImage("x.png", bytes, limits);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FormatError);
  return (error as Error).message;
}

describe("PNG", () => {
  const palette = Uint8Array.of(1, 2, 3, 4, 5, 6);
  it("lays half-transparent colours of a palette on black, and takes those beyond the list of alphas as opaque", () => {
    const colours = Uint8Array.of(200, 100, 50, 200, 100, 50, 200, 100, 50);
    const bytes = png({
      width: 3,
      height: 1,
      type: 3,
      palette: colours,
      alphas: Uint8Array.of(0, 51),
      rows: Uint8Array.of(0, 0, 1, 2),
    });
    expect([...decodeImage("x.png", bytes).pixels]).toEqual([0, 0, 0, 40, 20, 10, 200, 100, 50]);
  });
  it("gives the samples that another decoder gives, of every type, depth and filter, interlaced or not", () => {
    const kinds = [
      ...[1, 2, 4, 8, 16].map((depth) => [0, depth, 1]),
      ...[1, 2, 4, 8].map((depth) => [3, depth, 1]),
      ...[8, 16].flatMap((depth) => [
        [2, depth, 3],
        [4, depth, 2],
        [6, depth, 4],
      ]),
    ];
    const side = fc.integer({ min: 1, max: 13 });
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        side,
        side,
        fc.boolean(),
        fc.infiniteStream(fc.nat(255)),
        ([type, depth, channels], width, height, interlaced, random) => {
          const passes = interlaced
            ? [
                [0, 0, 8, 8],
                [4, 0, 8, 8],
                [0, 4, 4, 8],
                [2, 0, 4, 4],
                [0, 2, 2, 4],
                [1, 0, 2, 2],
                [0, 1, 1, 2],
              ]
            : [[0, 0, 1, 1]];
          const rows: number[] = [];
          for (const [x, y, dx, dy] of passes) {
            const [columns, lines] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
            if (columns < 1) continue;
            for (let r = 0; r < lines; r++) {
              rows.push(random.next().value % 5);
              for (let i = 0; i < Math.ceil((columns * channels * depth) / 8); i++) rows.push(random.next().value);
            }
          }
          const colours = type === 3 ? Uint8Array.from({ length: 768 }, () => random.next().value) : undefined;
          const bytes = png({
            width,
            height,
            depth,
            type,
            interlace: interlaced ? 1 : 0,
            rows: Uint8Array.from(rows),
            palette: colours,
          });
          const ours = readPng("x", bytes, {});
          if (depth < 8 && type === 0 && !interlaced) return; // Its samples stay packed there.
          if (interlaced && depth < 8) return; // It does not read those.
          const other = decode(bytes);
          expect([...ours.data]).toEqual([...(type === 3 ? convertIndexedToRgb(other) : other.data)]);
        },
      ),
      { numRuns: 300 },
    );
  });
  it("reads grey below a byte, interlaced too", () => {
    expect([
      ...readPng("x", png({ width: 3, height: 1, depth: 2, rows: Uint8Array.of(0, 0b11_01_10_00) }), {}).data,
    ]).toEqual([3, 1, 2]);
    // Adam7 of 2×2: pass 1 has (0,0), pass 6 (1,0), pass 7 row 1.
    const rows = Uint8Array.of(0, 0b1000_0000, 0, 0, 0, 0b0100_0000);
    expect([...readPng("x", png({ width: 2, height: 2, depth: 1, interlace: 1, rows }), {}).data]).toEqual([
      1, 0, 0, 1,
    ]);
  });
  it.each<[string, Uint8Array, RegExp]>([
    [
      "an index beyond the palette",
      png({ width: 1, height: 1, type: 3, palette, rows: Uint8Array.of(0, 2) }),
      /indices below 2, got 2/,
    ],
    ["no palette", png({ width: 1, height: 1, type: 3, rows: Uint8Array.of(0, 0) }), /a palette, got none/],
    [
      "more alphas than colours",
      png({ width: 1, height: 1, type: 3, palette, alphas: new Uint8Array(3), rows: Uint8Array.of(0, 0) }),
      /alphas/,
    ],
    ["too few rows", png({ width: 2, height: 9, rows: new Uint8Array(3) }), /27 bytes of rows, got 3/],
    ["more rows", png({ width: 2, height: 1, rows: new Uint8Array(2 ** 24) }), /3 bytes of rows, got more/],
    ["width 0", png({ width: 0, height: 3, rows: new Uint8Array() }), /1×1 pixels, got 0×3/],
    ["height 0", png({ width: 3, height: 0, rows: new Uint8Array() }), /1×1 pixels, got 3×0/],
    ["depth 3", png({ width: 1, height: 1, depth: 3, rows: new Uint8Array(2) }), /go together/],
    ["filter 5", png({ width: 1, height: 1, rows: Uint8Array.of(5, 0) }), /filters 0 to 4/],
    [
      "20,000 × 20,000",
      png({ width: 20_000, height: 20_000, depth: 1, rows: new Uint8Array(1000) }),
      /too many pixels; .*--max-pixels/,
    ],
    ["a thousand million × 1", png({ width: 1_073_758_211, height: 1, rows: new Uint8Array(9) }), /too many pixels/],
    [
      "two headers",
      png({ width: 1, height: 1, rows: new Uint8Array(2), more: [["IHDR", new Uint8Array(13)]] }),
      /one IHDR/,
    ],
  ])("with %s is refused", (_, bytes, message) => {
    expect(refused(bytes)).toMatch(message);
  });
  it("never unpacks what it does not need: a bomb in an embedded profile is passed over", () => {
    const bomb = Buffer.concat([Buffer.from("a\0\0"), deflateSync(new Uint8Array(2 ** 26))]);
    expect(
      decodeImage("x", png({ width: 1, height: 1, rows: Uint8Array.of(0, 7), more: [["iCCP", bomb]] })).pixels,
    ).toEqual(Uint8Array.of(7));
  });
  it("any byte changed or cut is a picture or a FormatError", () => {
    const good = encode({ width: 5, height: 4, channels: 3, depth: 8, data: new Uint8Array(60).fill(9) });
    for (let at = 0; at < good.length; at++) {
      refused(good.slice(0, at));
      for (const bit of [0, 3, 7]) {
        const bad = good.slice();
        bad[at] ^= 1 << bit;
        refused(bad);
      }
    }
  });
  it("the limit is the caller's", () => {
    const image = png({ width: 10, height: 10, rows: new Uint8Array(110) });
    expect(decodeImage("x", image, { maxPixels: 100 }).pixels).toHaveLength(100);
    expect(refused(image, { maxPixels: 99 })).toMatch(/at most 99, got 10×10/);
  });
});

describe("JPEG", () => {
  const { data } = jpeg.encode({ width: 32, height: 16, data: Buffer.alloc(32 * 16 * 4, 99) }, 90);
  const good = new Uint8Array(data);
  const frame = good.findIndex((byte, i) => byte === 0xff && good[i + 1] === 0xc0);
  const sized = (height: number, width: number) => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setUint16(frame + 5, height);
    new DataView(bytes.buffer).setUint16(frame + 7, width);
    return bytes;
  };
  it("is read as before", () => {
    const { width, height, channels, pixels } = decodeImage("x", good);
    expect([width, height, channels]).toEqual([32, 16, 3]);
    expect(pixels).toEqual(jpeg.decode(good, { useTArray: true, formatAsRGBA: false }).data);
  });
  it("that promises more than it can hold is refused before it is decoded", () => {
    expect(refused(sized(255, 65_344))).toMatch(/damaged JPEG; expected at least \d+ bytes for 65344×255, got \d+/);
    expect(refused(sized(65_000, 65_000))).toMatch(/too many pixels/);
    expect(refused(sized(0, 32))).toMatch(/1×1 pixels/);
    expect(refused(sized(16, 0))).toMatch(/1×1 pixels/);
  });
  it("with hundreds of scans is refused", () => {
    const scan = good.findIndex((byte, i) => byte === 0xff && good[i + 1] === 0xda);
    const [head, body] = [good.slice(0, scan), good.slice(scan, -2)];
    const bytes = Buffer.concat([head, ...Array<Uint8Array>(200).fill(body), good.slice(-2)]);
    expect(refused(new Uint8Array(bytes))).toMatch(/at most 100 scans/);
  });
});
