/** @file .npz: archives that NumPy made, DEFLATE streams against zlib's, and every way an archive can be broken. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { constants, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { inflate } from "../../src/io/inflate.js";
import { readNpz } from "../../src/io/npz.js";
import { refusal, survivesMutation, unaligned } from "./malformed.js";

interface Fixture {
  stored: string;
  compressed: string;
  arrays: Record<string, { shape: number[]; descr: string; values: (number | "inf" | "-inf")[] }>;
}
const fixture = JSON.parse(readFileSync(path.join(import.meta.dirname, "../fixtures/npz.json"), "utf8")) as Fixture;
const archive = (kind: "stored" | "compressed"): Uint8Array => new Uint8Array(Buffer.from(fixture[kind], "base64"));

describe("readNpz", () => {
  it.each(["stored", "compressed"] as const)("reads what NumPy wrote, %s", (kind) => {
    const arrays = readNpz(unaligned(archive(kind)));
    expect([...arrays.keys()]).toEqual(Object.keys(fixture.arrays));
    for (const [name, { shape, descr, values }] of Object.entries(fixture.arrays)) {
      const array = arrays.get(name);
      expect(array).toMatchObject({ shape, descr });
      expect(Array.from(array?.data ?? [], Number)).toEqual(
        values.map((v) => (typeof v === "string" ? Number(v.replace("inf", "Infinity")) : v)),
      );
    }
  });

  it("names the members that are no numbers, and reads the others", () => {
    const { unread } = readNpz(archive("stored"));
    expect(Object.fromEntries(unread)).toEqual({
      classes: "U3, strings",
      objects: "O, Python objects (a pickle, which could run code)",
      records: "records",
      complex: "c16, complex numbers",
    });
  });

  it.each(["stored", "compressed"] as const)("refuses an archive that is cut, %s", (kind) => {
    const good = archive(kind);
    for (let n = 0; n < good.length; n += 1 + (n % 13)) refusal(readNpz, good.slice(0, n));
  });

  it("says what is wrong", () => {
    const good = archive("stored");
    const changed = (at: number, byte: number): Uint8Array => {
      const copy = good.slice();
      copy[at] = byte;
      return copy;
    };
    const entry = good.findIndex(
      (_, i) => good[i] === 0x50 && good[i + 1] === 0x4b && good[i + 2] === 1 && good[i + 3] === 2,
    );
    expect(refusal(readNpz, new Uint8Array(100))).toContain("not a .npz archive");
    expect(refusal(readNpz, changed(entry + 8, 1))).toContain('"conv1.weight.npy": encryption');
    expect(refusal(readNpz, changed(entry + 10, 12))).toContain("stored (0) or deflate (8), got 12");
    expect(refusal(readNpz, changed(entry + 16, good[entry + 16] ^ 1))).toContain("checksum");
    expect(refusal(readNpz, changed(entry + 24, good[entry + 24] ^ 1))).toContain("size");
    expect(refusal(readNpz, changed(200, good[200] ^ 1))).toContain("checksum");
  });

  it("survives changes", () => {
    survivesMutation(readNpz, archive("stored"));
    survivesMutation(readNpz, archive("compressed"));
  });
});

describe("inflate", () => {
  it("gives back what zlib deflated, at every level and strategy", () => {
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.array(fc.constantFrom(...[0, 0, 0, 1, 7, 255]), { maxLength: 6000 }).map((list) => Uint8Array.from(list)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 3000 }))
        .map(([unit, times]) => Uint8Array.from({ length: unit.length * times }, (_, i) => unit[i % unit.length])),
    );
    const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
    const strategy = fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE);
    fc.assert(
      fc.property(contents, fc.integer({ min: 0, max: 9 }), strategy, (bytes, level, way) => {
        const packed = deflateRawSync(bytes, { level, strategy: way });
        expect(Buffer.compare(inflate(packed, bytes.length), bytes)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
  it("refuses other sizes, streams that are none, and what follows one", () => {
    const packed = new Uint8Array(deflateRawSync(new Uint8Array(500).fill(3)));
    expect(() => inflate(packed, 499)).toThrow("expected 499 bytes, got more");
    expect(() => inflate(packed, 501)).toThrow("expected 501 bytes, got 500");
    expect(() => inflate(packed, 2 ** 40)).toThrow("at most 1032 times");
    expect(() => inflate(Uint8Array.of(...packed, 0), 500)).toThrow("end");
    expect(() => inflate(Uint8Array.of(7), 0)).toThrow("kind of block");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 300 }), (bytes, size) => {
        try {
          inflate(bytes, size);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
