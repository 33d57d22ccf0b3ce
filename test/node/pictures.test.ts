/** @file Pictures as cameras, editors and optimizers write them, against literal pixels. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { deflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { crc32 } from "../../src/io/checksum.js";
import { exifOrientation, type Orientation, upright } from "../../src/node/images/exif.js";
import { decodeImage } from "../../src/node/images/picture.js";

const fixture = (name: string) =>
  new Uint8Array(readFileSync(path.join(import.meta.dirname, "../fixtures/pictures", name)));
const pixels = (name: string) => [...decodeImage(name, fixture(name)).pixels];

function png(
  header: { width: number; height: number; depth: number; type: number },
  rows: number[],
  key: number[],
  others: [string, Uint8Array][] = [],
) {
  const chunk = (type: string, data: Uint8Array) => {
    const out = Buffer.alloc(12 + data.length);
    out.writeUInt32BE(data.length, 0);
    out.write(type, 4, "latin1");
    out.set(data, 8);
    out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
    return out;
  };
  const { width, height, depth, type } = header;
  const head = Buffer.from([0, 0, 0, width, 0, 0, 0, height, depth, type, 0, 0, 0]);
  const parts = [
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", head),
    ...(key.length > 0 ? [chunk("tRNS", Uint8Array.from(key))] : []),
    ...others.map(([type, data]) => chunk(type, data)),
    chunk("IDAT", deflateSync(Uint8Array.from(rows))),
    chunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(Buffer.concat(parts));
}

describe("PNG", () => {
  it("a colour key is transparency, and so black: the same picture as with alpha", () => {
    expect(pixels("key_trns.png")).toEqual(pixels("key_rgba.png"));
    expect(pixels("key_trns.png").some((value) => value > 0)).toBe(true);
    expect(pixels("one_trns.png")).toEqual([9, 8, 7]);
  });
  it.each([
    ["grey of 1 bit", { width: 8, height: 1, depth: 1, type: 0 }, [0, 0b10110000], [0, 1], [0, 0, 0, 0, 0, 0, 0, 0]],
    ["grey of 2 bits", { width: 4, height: 1, depth: 2, type: 0 }, [0, 0b00011011], [0, 2], [0, 85, 0, 255]],
    ["grey of 4 bits", { width: 2, height: 1, depth: 4, type: 0 }, [0, 0x5f], [0, 5], [0, 255]],
    ["grey of 8 bits", { width: 3, height: 1, depth: 8, type: 0 }, [0, 7, 200, 201], [0, 200], [7, 0, 201]],
    [
      "grey of 16 bits, all of them",
      { width: 2, height: 1, depth: 16, type: 0 },
      [0, 255, 255, 255, 254],
      [255, 255],
      [0, 255],
    ],
    [
      "colour of 8 bits",
      { width: 2, height: 1, depth: 8, type: 2 },
      [0, 1, 2, 3, 1, 2, 4],
      [0, 1, 0, 2, 0, 3],
      [0, 0, 0, 1, 2, 4],
    ],
    [
      "colour of 16 bits",
      { width: 2, height: 1, depth: 16, type: 2 },
      [0, 255, 255, 0, 0, 0, 1, 255, 255, 0, 0, 0, 2],
      [255, 255, 0, 0, 0, 1],
      [0, 0, 0, 255, 0, 0],
    ],
    ["a key of another length is none", { width: 1, height: 1, depth: 8, type: 2 }, [0, 1, 2, 3], [0, 1], [1, 2, 3]],
    ["grey with alpha has none", { width: 1, height: 1, depth: 8, type: 4 }, [0, 9, 255], [0, 9, 0, 255], [9]],
  ])("a key: %s", (_, header, rows, key, wanted) => {
    expect([...decodeImage("x.png", png(header, rows, key)).pixels]).toEqual(wanted);
  });
  it("a palette in a coloured picture only suggests, and Adam7 has less than 8 bits too", () => {
    expect(pixels("rgb_plte4.png")).toEqual(pixels("rgb.png"));
    expect(pixels("rgb.png").slice(0, 6)).toEqual([115, 3, 239, 108, 29, 173]);
    expect(pixels("adam7_1bit.png")).toEqual([255, 0, 255, 0, 255, 0, 255, 255, 0]);
  });
});

/** A JPEG of flat luma 60 and chroma 100, 150, with other segments and names of components. */
function flat(segments: number[][], components = [1, 2, 3]): Uint8Array {
  // YCbCr of this colour is 60, 100, 150, to a unit.
  const colour = [60 + 1.402 * 22, 60 - 0.344136 * -28 - 0.714136 * 22, 60 + 1.772 * -28].map(Math.round);
  const data = Buffer.from(Array.from({ length: 64 }, () => [...colour, 255]).flat());
  const bytes = [...jpeg.encode({ width: 8, height: 8, data }, 100).data];
  // After SOI, the encoder's JFIF segment goes.
  const own = 2 + 2 + ((bytes[4] << 8) | bytes[5]);
  const out = [...bytes.slice(0, 2), ...segments.flat(), ...bytes.slice(own)];
  const rename = (marker: number, first: number, step: number) => {
    const at = out.findIndex((byte, i) => byte === 0xff && out[i + 1] === marker);
    for (let i = 0; i < 3; i++) out[at + first + step * i] = components[i];
  };
  rename(0xc0, 10, 3);
  rename(0xda, 5, 2);
  return Uint8Array.from(out);
}
const segment = (marker: number, text: string, rest: number[] = []) => {
  const data = [...Buffer.from(text, "latin1"), ...rest];
  return [0xff, marker, 0, data.length + 2, ...data];
};
const JFIF = segment(0xe0, "JFIF\0", [1, 1, 0, 0, 1, 0, 1, 0, 0]);
const adobe = (transform: number) => segment(0xee, "Adobe", [0, 100, 0, 0, 0, 0, transform]);
const RGB = [82, 71, 66];

describe("JPEG", () => {
  it("Adobe's RGB stays as it is", () => {
    const { pixels: own } = decodeImage("x.jpg", fixture("adobe_rgb.jpg"));
    let sum = 0;
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) {
        for (const [c, wanted] of [4 * x, 255 - 4 * x, 40].entries())
          sum += Math.abs(own[(y * 64 + x) * 3 + c] - wanted);
      }
    }
    expect(sum / own.length).toBeLessThan(1);
  });
  const [luma, rgb] = [
    [91, 54, 10],
    [60, 100, 150],
  ];
  it.each([
    ["nothing said", flat([]), luma],
    ["JFIF", flat([JFIF]), luma],
    ["Adobe 1", flat([adobe(1)]), luma],
    ["Adobe 0", flat([adobe(0)]), rgb],
    ["JFIF is believed before Adobe", flat([JFIF, adobe(0)]), luma],
    ["components called R, G, B", flat([], RGB), rgb],
    ["JFIF is believed before names", flat([JFIF], RGB), luma],
    ["Adobe 1 is believed before names", flat([adobe(1)], RGB), luma],
    ["Adobe's segment cut short", flat([segment(0xee, "Adobe")]), luma],
    [
      "an empty ICC profile, and Exif that is none",
      flat([segment(0xe2, "ICC_PROFILE\0", [1, 1]), segment(0xe1, "Exif\0\0zz")]),
      luma,
    ],
  ])("colours: %s", (_, bytes, wanted) => {
    const { pixels: own } = decodeImage("x.jpg", bytes);
    for (let c = 0; c < 3; c++) expect(Math.abs(own[c] - wanted[c])).toBeLessThanOrEqual(2);
  });

  /** An APP1 segment's contents: one other tag, then the orientation. */
  const exif = (orientation: number, little: boolean): number[] => {
    const n = (value: number, size: number) => {
      const big = Array.from({ length: size }, (_, i) => (value >> (8 * (size - 1 - i))) & 255);
      return little ? big.reverse() : big;
    };
    const head = [...Buffer.from(little ? "II" : "MM"), ...n(42, 2), ...n(8, 4), ...n(2, 2)];
    const tags = [...n(0x010f, 2), ...n(2, 2), ...n(4, 4), 65, 66, 67, 0];
    return [
      ...Buffer.from("Exif\0\0"),
      ...head,
      ...tags,
      ...n(0x0112, 2),
      ...n(3, 2),
      ...n(1, 4),
      ...n(orientation, 2),
      0,
      0,
    ];
  };
  it("Exif's orientation is read in either byte order, and never throws", () => {
    for (const little of [true, false]) {
      for (let value = 1; value <= 8; value++) {
        expect(exifOrientation(Uint8Array.from(exif(value, little)))).toBe(value);
      }
      for (const value of [0, 9, 65535]) expect(exifOrientation(Uint8Array.from(exif(value, little)))).toBeUndefined();
      const good = Uint8Array.from(exif(6, little));
      for (let n = 0; n < good.length; n++) {
        exifOrientation(good.subarray(0, n));
        for (const byte of [0, 1, 255]) exifOrientation(good.map((value, i) => (i === n ? byte : value)));
      }
    }
  });
  // What the camera stores of the picture abc/def, by orientation, as the standard draws it.
  it.each<[Orientation, string]>([
    [1, "abc/def"],
    [2, "cba/fed"],
    [3, "fed/cba"],
    [4, "def/abc"],
    [5, "ad/be/cf"],
    [6, "cf/be/ad"],
    [7, "fc/eb/da"],
    [8, "da/eb/fc"],
  ])("orientation %i stores abc/def as %s", (orientation, stored) => {
    const rows = stored.split("/");
    for (const channels of [1, 3] as const) {
      const bytes = (text: string) =>
        Uint8Array.from(
          [...text.replaceAll("/", "")].flatMap((letter) => Array<number>(channels).fill(letter.charCodeAt(0))),
        );
      const image = { width: rows[0].length, height: rows.length, channels, pixels: bytes(stored) };
      expect(upright(image, orientation)).toEqual({ width: 3, height: 2, channels, pixels: bytes("abc/def") });
    }
  });
  it("is applied where it is asked for", () => {
    const stored = decodeImage("x.jpg", fixture("rotated.jpg"));
    const turned = decodeImage("x.jpg", fixture("rotated.jpg"), { upright: true });
    expect([stored.width, stored.height, turned.width, turned.height]).toEqual([40, 20, 20, 40]);
    // White above, black below, as browsers show it.
    expect([...turned.pixels.subarray(0, 3), ...turned.pixels.subarray(-3)]).toEqual([255, 255, 255, 0, 0, 0]);
  });
});

describe("a PNG with Exif data", () => {
  /** The little-endian TIFF of one tag, the orientation. */
  const exif = (value: number) => [
    73,
    73,
    42,
    0,
    8,
    0,
    0,
    0,
    1,
    0,
    0x12,
    1,
    3,
    0,
    1,
    0,
    0,
    0,
    value,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  const picture = (data: number[]) =>
    png({ width: 2, height: 1, depth: 8, type: 0 }, [0, 10, 20], [], [["eXIf", Uint8Array.from(data)]]);
  it("is turned where that is asked for", () => {
    const bytes = picture(exif(6));
    const stored = { width: 2, height: 1, channels: 1, pixels: Uint8Array.of(10, 20) };
    expect(decodeImage("x.png", bytes)).toEqual(stored);
    expect(decodeImage("x.png", bytes, { upright: true })).toEqual({ ...stored, width: 1, height: 2 });
    expect(decodeImage("x.png", picture(exif(2)), { upright: true })).toEqual({
      ...stored,
      pixels: Uint8Array.of(20, 10),
    });
  });
  it("is as it is stored where they are none", () => {
    for (const data of [
      [],
      [73, 73],
      exif(9),
      exif(0),
      exif(6).slice(0, 17),
      [...Buffer.from("Exif\0\0"), ...exif(6)],
    ]) {
      expect([...decodeImage("x.png", picture(data), { upright: true }).pixels]).toEqual([10, 20]);
      expect(decodeImage("x.png", picture(data), { upright: true }).width).toBe(2);
    }
  });
});

describe("PBM, PGM, PPM", () => {
  const file = (text: string, rest: number[] = []) => Uint8Array.from([...Buffer.from(text), ...rest]);
  it.each([
    ["bits in text, with and without blanks", file("P1\n# ink\n3 2\n1 0 1\n010"), [0, 255, 0, 255, 0, 255]],
    ["bits in rows of whole bytes", file("P4\n3 2\n", [0b10111111, 0b01000000]), [0, 255, 0, 255, 0, 255]],
    ["16 bits", file("P5\n2 1\n65535\n", [0x80, 0x80, 0xff, 0xff]), [128, 255]],
    ["10 bits", file("P5\n2 1\n1023\n", [0x03, 0xff, 0x01, 0x00]), [255, 64]],
    ["16 bits in text", file("P2 2 1 65535 257 514"), [1, 2]],
    ["colour of 16 bits", file("P6 1 1 65535\n", [0, 0, 1, 1, 255, 255]), [0, 1, 255]],
  ])("%s", (_, bytes, wanted) => {
    expect([...decodeImage("x.pnm", bytes).pixels]).toEqual(wanted);
  });
  it.each([
    ["bits that end", file("P1 3 2 10101")],
    ["other digits", file("P1 1 1 2")],
    ["rows that end", file("P4 9 2\n", [0, 0, 0])],
    ["half a sample", file("P5 1 1 256\n", [0])],
    ["too many levels", file("P5 1 1 65536\n", [0, 0])],
  ])("refuses %s", (_, bytes) => {
    expect(() => decodeImage("x.pnm", bytes)).toThrow(FormatError);
  });
});

describe("pictures that are not read", () => {
  it.each([
    ["RIFF\x10\0\0\0WEBPVP8 ", "a WebP picture"],
    ["\0\0\0\x20ftypavif", "an AVIF picture"],
    ["\0\0\0\x20ftypheic", "a HEIC picture"],
    ["GIF89a", "a GIF picture"],
    ["BM\0\0\0\0", "a BMP picture"],
    ["II*\0\x08\0\0\0", "a TIFF picture"],
    ["\xff\x0a\0\0", "a JPEG XL picture"],
  ])("%j is called %s", (head, kind) => {
    expect(() => decodeImage("x", new Uint8Array(Buffer.from(head, "latin1")))).toThrow(
      `got ${kind}; convert it to PNG`,
    );
  });
});
