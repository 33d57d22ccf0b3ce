/** @file .npy: files as NumPy writes them, round trips, and every way a file can be broken. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { type NpyData, readNpy, writeNpy } from "../../src/io/npy.js";
import { refusal, refusesEveryCut, survivesMutation, unaligned } from "./malformed.js";

/** A version-1 file from header text and data bytes. */
function fileOf(header: string, data: number[] = [], version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...data);
}

const array: fc.Arbitrary<{ shape: number[]; data: NpyData }> = fc
  .tuple(
    fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
    fc.constantFrom(
      Uint8Array,
      Int8Array,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
    ),
    fc.infiniteStream(fc.integer()),
  )
  .map(([shape, Type, values]) => {
    const data = new Type(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = values.next().value as number;
    return { shape, data };
  });

describe("readNpy", () => {
  it("gives back what writeNpy wrote, from any offset of a buffer", () => {
    fc.assert(
      fc.property(array, ({ shape, data }) => {
        const back = readNpy(unaligned(writeNpy(shape, data)));
        expect({ shape: back.shape, data: back.data }).toEqual({ shape, data });
      }),
    );
    const big = BigInt64Array.of(2n ** 62n, -1n);
    expect(readNpy(writeNpy([2], big))).toEqual({ descr: "i8", shape: [2], data: big });
  });
  it("gives columns-first arrays in rows, of any rank", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }), (shape) => {
        const size = shape.reduce((a, b) => a * b, 1);
        // Element [i, j, k] holds its place with the last index fastest; it lies with the first one fastest.
        const stored = new Array<number>(size);
        for (let n = 0; n < size; n++) {
          let [rest, at] = [n, 0];
          const index = [...shape].reverse().map((extent) => {
            const i = rest % extent;
            rest = (rest - i) / extent;
            return i;
          });
          index.reverse();
          for (let axis = shape.length - 1; axis >= 0; axis--) at = at * shape[axis] + index[axis];
          stored[at] = n & 255;
        }
        const header = `{'descr': '|u1', 'fortran_order': True, 'shape': (${shape.map((n) => `${n},`).join("")})}`;
        const { data } = readNpy(fileOf(header, stored));
        expect([...data]).toEqual(Array.from({ length: size }, (_, n) => n & 255));
      }),
    );
  });
  it("writes the bytes of numpy.save(np.array([[1, 2]], dtype=np.float32))", () => {
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }".padEnd(117, " ") + "\n";
    expect(writeNpy([1, 2], Float32Array.of(1, 2))).toEqual(fileOf(header, [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]));
  });
  it("reads scalars, vectors, booleans, big-endian numbers and versions 2 and 3", () => {
    const scalar = fileOf("{'descr': '>i4', 'fortran_order': False, 'shape': (), }\n", [0, 0, 1, 2]);
    expect(readNpy(scalar)).toEqual({ descr: "i4", shape: [], data: Int32Array.of(258) });
    const flags = fileOf('{"descr":"|b1","fortran_order":True,"shape":(3,)}', [1, 0, 1], 2);
    expect(readNpy(flags)).toEqual({ descr: "b1", shape: [3], data: Uint8Array.of(1, 0, 1) });
    expect(readNpy(fileOf("{'shape': (0,), 'fortran_order': False, 'descr': '<f8'}", [], 3)).data.length).toBe(0);
  });
});

describe("malformed files", () => {
  it.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /truncated \.npy header/],
    ["an archive", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0), /not a \.npy file.*readNpz/],
    ["version 9", fileOf("{}", [], 9), /unknown \.npy version; expected 1, 2 or 3, got 9/],
    ["an empty dictionary", fileOf("{}"), /header not understood/],
    ["code", fileOf("{'descr': '<f4', 'fortran_order': False, 'shape': (exit(),)}"), /header not understood/],
    [
      "records",
      fileOf("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
      /unsupported element type.*got records/,
    ],
    ["complex", fileOf("{'descr': '<c8', 'fortran_order': False, 'shape': (0,)}"), /unsupported element type.*got c8/],
    ["objects", fileOf("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", [1]), /got O, Python objects/],
    ["strings", fileOf("{'descr': '<U3', 'fortran_order': False, 'shape': (0,)}"), /got U3, strings/],
    ["dates", fileOf("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (0,)}"), /got M8\[ns\], dates/],
    [
      "an open list",
      fileOf("{'descr': [('a', '<f4'), 'fortran_order': False, 'shape': (1,)}"),
      /header not understood/,
    ],
    ["short data", fileOf("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", [0]), /truncated \.npy file/],
    ["long data", fileOf("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", [0, 0, 0]), /trailing bytes/],
    [
      "overflow",
      fileOf(`{'descr': '|u1', 'fortran_order': False, 'shape': (${"9".repeat(20)}, 0)}`),
      /shape overflows/,
    ],
  ])("%s", (_, bytes, message) => {
    expect(refusal(readNpy, bytes)).toMatch(message);
  });
  it("every cut and every mutation", () => {
    const good = writeNpy([2, 3], Int32Array.of(1, 2, 3, 4, 5, 6));
    refusesEveryCut(readNpy, good);
    survivesMutation(readNpy, good);
  });
  it("writeNpy refuses a shape that does not fit", () => {
    expect(() => writeNpy([3], new Uint8Array(2))).toThrow(FormatError);
    expect(() => writeNpy([-1, -2], new Uint8Array(2))).toThrow(FormatError);
  });
});
