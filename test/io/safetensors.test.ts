/** @file safetensors: the documented bytes, round trips, determinism, and every way a file can be broken. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { readJson } from "../../src/io/json.js";
import { readSafetensors, type SafeEntry, writeSafetensors } from "../../src/io/safetensors.js";
import { refusal, refusesEveryCut, survivesMutation, unaligned } from "./malformed.js";

/** A file from header text and data bytes. */
function fileOf(header: string | Uint8Array, data: number[] | Uint8Array = [], length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const entry: fc.Arbitrary<Omit<SafeEntry, "name">> = fc
  .tuple(
    fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
    fc.constantFrom("F64", "F32", "I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8", "BOOL"),
    fc.infiniteStream(fc.integer()),
  )
  .map(([shape, dtype, values]) => {
    const source = { length: shape.reduce((a, b) => a * b, 1) };
    const next = () => values.next().value as number;
    if (dtype === "I64") return { shape, data: BigInt64Array.from(source, () => BigInt(next()) << 20n) };
    if (dtype === "U64") return { shape, data: BigUint64Array.from(source, () => BigInt.asUintN(64, BigInt(next()))) };
    if (dtype === "BOOL") return { shape, dtype, data: Uint8Array.from(source, () => next() & 1) };
    const small = { I16: Int16Array, U16: Uint16Array, I8: Int8Array, U8: Uint8Array };
    const types = { F64: Float64Array, F32: Float32Array, I32: Int32Array, U32: Uint32Array, ...small };
    const data = new types[dtype as keyof typeof types](source.length);
    for (let i = 0; i < data.length; i++) data[i] = next();
    return { shape, data };
  });
const names = fc.uniqueArray(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "0", 'é\n"')), {
  maxLength: 5,
});
const file = names.chain((list) =>
  fc.tuple(
    fc.tuple(...list.filter((name) => name !== "__metadata__").map((name) => entry.map((e) => ({ name, ...e })))),
    fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
  ),
);

describe("round trips", () => {
  it("gives back names, types, shapes, elements and metadata, from any offset of a buffer", () => {
    fc.assert(
      fc.property(file, ([entries, metadata]) => {
        const bytes = writeSafetensors(entries, metadata);
        const back = readSafetensors(unaligned(bytes));
        expect(back.metadata).toEqual(metadata);
        expect(new Set(back.tensors.keys())).toEqual(new Set(entries.map(({ name }) => name)));
        for (const { name, shape, data, dtype } of entries) {
          const tensor = back.tensors.get(name);
          expect(tensor?.shape).toEqual(shape);
          expect(tensor?.data).toEqual(data);
          if (dtype !== undefined) expect(tensor?.dtype).toBe(dtype);
        }
        expect(writeSafetensors(entries, metadata)).toEqual(bytes);
      }),
    );
  });
  it("keeps NaN payloads, infinities and signed zeros to the bit", () => {
    const data = new Float32Array(Uint32Array.of(0x7fc12345, 0xff800000, 0x80000000, 1).buffer);
    const back = readSafetensors(writeSafetensors([{ name: "x", shape: [4], data }])).tensors.get("x");
    expect(new Uint32Array(back!.data.buffer)).toEqual(new Uint32Array(data.buffer));
  });
  it("writes the documented bytes: header in the given order, padded with spaces to 8", () => {
    const bytes = writeSafetensors(
      [
        { name: "bias", shape: [2], data: Uint8Array.of(7, 8) },
        { name: "a", shape: [], data: Float32Array.of(1) },
      ],
      { format: "pt" },
    );
    const header =
      '{"__metadata__":{"format":"pt"},"bias":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},' +
      '"a":{"dtype":"F32","shape":[],"data_offsets":[2,6]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, " ");
    expect(padded.length).toBeGreaterThan(header.length);
    expect(bytes).toEqual(fileOf(padded, [7, 8, 0, 0, 0x80, 0x3f]));
  });
  it("a file without tensors", () => {
    expect(readSafetensors(fileOf("{}"))).toEqual({ tensors: new Map(), metadata: {}, unread: new Map() });
    expect(readSafetensors(writeSafetensors([]))).toEqual({ tensors: new Map(), metadata: {}, unread: new Map() });
  });
});

describe("files of others", () => {
  const typed = (dtype: string, count: number, data: number[]) =>
    fileOf(`{"w":{"dtype":"${dtype}","shape":[${count}],"data_offsets":[0,${data.length}]}}`, data);
  const all = Uint16Array.from({ length: 65536 }, (_, n) => n);
  const bytes = [...new Uint8Array(all.buffer)];
  it("widens every F16 to the float32 of its value, NaN to NaN with its sign and payload", () => {
    const { dtype, stored, data } = readSafetensors(typed("F16", 65536, bytes)).tensors.get("w")!;
    expect([dtype, stored, data.constructor]).toEqual(["F32", "F16", Float32Array]);
    const bits = new Uint32Array(data.buffer);
    for (let n = 0; n < 65536; n++) {
      const [sign, exponent, fraction] = [n >> 15, (n >> 10) & 31, n & 1023];
      if (exponent === 31 && fraction > 0)
        expect(bits[n]).toBe(((sign * 511 + (1 - sign) * 255) * 2 ** 23 + fraction * 8192) >>> 0);
      else {
        const size =
          exponent === 31
            ? Infinity
            : exponent === 0
              ? fraction * 2 ** -24
              : (1 + fraction / 1024) * 2 ** (exponent - 15);
        expect(data[n]).toBe(sign === 1 ? -size : size);
      }
    }
    // Literal values of IEEE 754: the smallest subnormal, the largest one, the smallest normal one, 1/3, 65504.
    expect([1, 0x3ff, 0x400, 0x3555, 0x7bff].map((n) => data[n])).toEqual([
      2 ** -24,
      0.00006097555160522461,
      0.00006103515625,
      0.333251953125,
      65504,
    ]);
  });
  it("widens every BF16 to the float32 of the same upper bits", () => {
    const { stored, data } = readSafetensors(typed("BF16", 65536, bytes)).tensors.get("w")!;
    expect(stored).toBe("BF16");
    expect(new Uint32Array(data.buffer)).toEqual(Uint32Array.from(all, (n) => n * 65536));
    expect([0x3f80, 0x3eab, 0xc049, 1].map((n) => data[n])).toEqual([1, 0.333984375, -3.140625, 2 ** -133]);
  });
  it("reads what is read in a file with types that are not, and names those", () => {
    const file = fileOf(
      '{"a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F4","shape":[2,4],"data_offsets":[3,7]},' +
        '"w":{"dtype":"F32","shape":[1],"data_offsets":[7,11]}}',
      [1, 2, 3, 4, 5, 6, 7, 0, 0, 0x80, 0x3f],
    );
    const { tensors, unread } = readSafetensors(file);
    expect([...tensors]).toEqual([["w", { dtype: "F32", shape: [1], data: Float32Array.of(1) }]]);
    expect([...unread]).toEqual([
      ["a", "F8_E4M3"],
      ["b", "F4"],
    ]);
    expect(refusal(readSafetensors, typed("F4", 3, [0]))).toMatch("shape and data_offsets disagree");
  });
  it("takes an ArrayBuffer", () => {
    expect(readSafetensors(typed("U8", 1, [7]).buffer as ArrayBuffer).tensors.get("w")?.data).toEqual(Uint8Array.of(7));
  });
});

const one = (fields: string) => `{"w":{${fields}}}`;
describe("malformed files", () => {
  it.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /truncated safetensors header; expected at least 8 bytes, got 0/],
    ["header beyond the file", fileOf("{}", [], 3n), /header longer than the file; expected at most 2 bytes.*got 3/],
    ["header length 2^64 − 1", fileOf("{}", [], 2n ** 64n - 1n), /header longer than the file.*18446744073709551615/],
    ["header length 0", fileOf("{}", [], 0n), /header is not JSON/],
    ["not JSON", fileOf("{oops"), /header is not JSON/],
    ["not UTF-8", fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)), /header is not JSON/],
    ["an array", fileOf("[]"), /header is not a JSON object/],
    ["leading space", fileOf(" {}"), /header is not a JSON object/],
    [
      "a tensor twice",
      fileOf('{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0077":1}'),
      /key "w" occurs twice/,
    ],
    [
      "a field twice",
      fileOf(one('"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]')),
      /key "dtype" occurs twice/,
    ],
    ["metadata not strings", fileOf('{"__metadata__":{"n":1}}'), /bad __metadata__\.n; expected a string, got 1/],
    ["metadata not an object", fileOf('{"__metadata__":[]}'), /bad __metadata__; expected an object of strings/],
    ["no description", fileOf('{"w":null}'), /tensor "w": bad description/],
    ["no shape", fileOf(one('"dtype":"U8","data_offsets":[0,0]')), /tensor "w": bad shape; .*got nothing/],
    [
      "unknown field",
      fileOf(one('"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":0')),
      /tensor "w": unknown field.*"x"/,
    ],
    [
      "unknown dtype",
      fileOf(one('"dtype":"F8","shape":[1],"data_offsets":[0,1]'), [0]),
      /tensor "w": unknown dtype.*"F8"/,
    ],
    ["dtype of Object", fileOf(one('"dtype":"toString","shape":[1],"data_offsets":[0,1]'), [0]), /unknown dtype/],
    ["negative extent", fileOf(one('"dtype":"U8","shape":[-1],"data_offsets":[0,1]'), [0]), /tensor "w": bad shape/],
    ["fractional extent", fileOf(one('"dtype":"U8","shape":[0.5],"data_offsets":[0,1]'), [0]), /tensor "w": bad shape/],
    ["extent of 2^53", fileOf(one('"dtype":"U8","shape":[9007199254740992],"data_offsets":[0,1]'), [0]), /bad shape/],
    ["overflow", fileOf(one('"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]')), /shape overflows/],
    [
      "overflow, then 0",
      fileOf(one('"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]')),
      /overflows/,
    ],
    [
      "shape and offsets",
      fileOf(one('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), [0, 0, 0, 0]),
      /8 bytes for F32\[2\], got 4/,
    ],
    ["offsets reversed", fileOf(one('"dtype":"U8","shape":[1],"data_offsets":[1,0]'), [0]), /bad data_offsets/],
    ["offsets of strings", fileOf(one('"dtype":"U8","shape":[1],"data_offsets":["0","1"]'), [0]), /bad data_offsets/],
    ["three offsets", fileOf(one('"dtype":"U8","shape":[1],"data_offsets":[0,1,2]'), [0]), /bad data_offsets/],
    [
      "offset of 2^53",
      fileOf(one('"dtype":"U8","shape":[1],"data_offsets":[0,9007199254740992]'), [0]),
      /bad data_offsets/,
    ],
    [
      "outside the file",
      fileOf(one('"dtype":"U8","shape":[9],"data_offsets":[0,9]'), [0]),
      /tensor "w": data outside the file.*1, got 9/,
    ],
    [
      "a gap at the start",
      fileOf(one('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), [0, 0]),
      /tensor "w": leaves a gap/,
    ],
    [
      "bytes at the end",
      fileOf(one('"dtype":"U8","shape":[1],"data_offsets":[0,1]'), [0, 0]),
      /bytes after the last tensor/,
    ],
    [
      "overlap",
      fileOf(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
        [0, 0, 0],
      ),
      /tensor "b": overlaps the tensor before it; expected data from 2, got 1/,
    ],
    [
      "the same bytes twice",
      fileOf(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
        [0, 0],
      ),
      /tensor "b": overlaps/,
    ],
    [
      "a gap between",
      fileOf(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}',
        [0, 0, 0],
      ),
      /tensor "b": leaves a gap/,
    ],
  ])("%s", (_, bytes, message) => {
    expect(refusal(readSafetensors, bytes)).toMatch(message);
  });
  it("every cut and every mutation", () => {
    const good = writeSafetensors(
      [
        { name: "conv1.weight", shape: [2, 1], data: Float32Array.of(1, 2) },
        { name: "steps", shape: [], data: BigInt64Array.of(-5n) },
      ],
      { epoch: "3" },
    );
    refusesEveryCut(readSafetensors, good);
    survivesMutation(readSafetensors, good);
  });
});

describe("writeSafetensors refuses", () => {
  const data = Uint8Array.of(1, 2);
  it.each<[string, SafeEntry[], RegExp]>([
    [
      "a name twice",
      [
        { name: "a", shape: [2], data },
        { name: "a", shape: [2], data },
      ],
      /tensor "a": bad name/,
    ],
    ["the reserved name", [{ name: "__metadata__", shape: [2], data }], /bad name/],
    ["a shape that does not fit", [{ name: "a", shape: [3], data }], /shape does not fit its data; expected 2.*\[3\]/],
    ["a dtype that does not fit", [{ name: "a", shape: [2], data, dtype: "F32" }], /dtype does not fit its array/],
  ])("%s", (_, entries, message) => {
    expect(() => writeSafetensors(entries)).toThrow(message);
    expect(() => writeSafetensors(entries)).toThrow(FormatError);
  });
});

describe("keys that occur twice", () => {
  const key = (text: string) => () => readJson(text, "x", "");
  it("are none in what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(readJson(text, "x", "")).toEqual(JSON.parse(text));
      }),
    );
  });
  it("are found inside nested objects, apart from each other, and unescaped", () => {
    expect(key('{"a":{"b":1},"b":[{"b":1},{"b":"a"}]}')).not.toThrow();
    expect(key('{"a":[{"b":1,"c":{},"\\u0062":2}]}')).toThrow('x: key "b" occurs twice');
    expect(key('{"a":"a:{\\"a\\":1,\\"a\\":2}"}')).not.toThrow();
    expect(key('{"a":["a","a"],"b":"a"}')).not.toThrow();
  });
});
