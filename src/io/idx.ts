/**
 * @file IDX, the format of MNIST's files: a four-byte magic, big-endian extents, then the elements. Bytes in, bytes
 * out.
 */
import { FormatError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { bytesOf, checkShape, elementsOf } from "./doors.js";

/** Arrays that IDX can hold, by the type byte of the magic number; 16-bit integers are widened. */
export type IdxData = Uint8Array | Int8Array | Int32Array | Float32Array | Float64Array;

/** Contents of an IDX file. */
export interface IdxFile {
  /** Extents, outermost first. */
  readonly shape: number[];
  /** Elements in row-major order; a copy, which the caller owns. */
  readonly data: IdxData;
}

interface IdxType {
  readonly name: string;
  readonly bytes: number;
  make(length: number): IdxData;
  get(view: DataView, at: number): number;
}

const TYPES: Readonly<Record<number, IdxType>> = {
  8: { name: "u8", bytes: 1, make: (n) => new Uint8Array(n), get: (v, at) => v.getUint8(at) },
  9: { name: "i8", bytes: 1, make: (n) => new Int8Array(n), get: (v, at) => v.getInt8(at) },
  11: { name: "i16", bytes: 2, make: (n) => new Int32Array(n), get: (v, at) => v.getInt16(at) },
  12: { name: "i32", bytes: 4, make: (n) => new Int32Array(n), get: (v, at) => v.getInt32(at) },
  13: { name: "f32", bytes: 4, make: (n) => new Float32Array(n), get: (v, at) => v.getFloat32(at) },
  14: { name: "f64", bytes: 8, make: (n) => new Float64Array(n), get: (v, at) => v.getFloat64(at) },
};

/**
 * Reads an IDX file (already unpacked).
 * @param bytes the whole file
 * @param file name for error messages
 * @returns shape and elements
 * @throws FormatError on a wrong magic number, an unknown type, or a length other than the header says
 */
export function readIdx(bytes: Uint8Array, file = "idx"): IdxFile {
  bytes = bytesOf("readIdx", bytes, file);
  const fail = (what: string, expected: string, got: string, hint?: string) =>
    new FormatError({ op: file, what, expected, got, hint });
  if (bytes.length < 4) throw fail("truncated IDX header", "at least 4 bytes", `${bytes.length}`);
  const type = TYPES[bytes[2]];
  const rank = bytes[3];
  if (bytes[0] !== 0 || bytes[1] !== 0 || type === undefined || rank === 0) {
    const magic = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const hint = bytes[0] === 0x1f && bytes[1] === 0x8b ? "this is a gzip file; unpack it first" : undefined;
    throw fail("not an IDX file", "magic 0x0000TTRR, type TT of 08 09 0b 0c 0d 0e, rank RR > 0", `0x${magic}`, hint);
  }
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw fail("truncated IDX header", `${header} bytes`, `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  // The product of up to 255 extents can pass 2^53; no file is that long, so that an inexact product still mismatches.
  const size = shape.reduce((product, extent) => product * extent, 1);
  const expected = header + size * type.bytes;
  if (bytes.length !== expected) {
    const what = bytes.length < expected ? "truncated IDX file" : "trailing bytes after the IDX data";
    throw fail(what, `${expected} bytes for ${type.name}${shapeText(shape)}`, `${bytes.length}`);
  }
  const data = type.make(size);
  if (kindOf(data) === "Uint8Array") data.set(bytes.subarray(header));
  else for (let i = 0; i < size; i++) data[i] = type.get(view, header + i * type.bytes);
  return { shape, data };
}

/**
 * Writes an IDX file.
 * @param shape extents, each below 2^32, 1 to 255 of them
 * @param data elements in row-major order
 * @returns the whole file
 * @throws FormatError if the shape cannot be written or does not fit the data
 */
export function writeIdx(shape: readonly number[], data: IdxData): Uint8Array {
  checkShape("writeIdx", shape);
  data = elementsOf("writeIdx", data, ["Uint8Array", "Int8Array", "Int32Array", "Float32Array", "Float64Array"]);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const writable = shape.every((extent) => Number.isInteger(extent) && extent >= 0 && extent < 2 ** 32);
  if (!writable || shape.length < 1 || shape.length > 255 || size !== data.length) {
    const expected = `1 to 255 extents with a product of ${data.length}`;
    throw new FormatError({ op: "writeIdx", what: "bad shape", expected, got: shapeText(shape) });
  }
  let code = 8;
  let put: (view: DataView, at: number, value: number) => void = (view, at, value) => view.setUint8(at, value);
  const kind = kindOf(data);
  if (kind === "Int8Array") code = 9;
  else if (kind === "Int32Array") {
    code = 12;
    put = (view, at, value) => view.setInt32(at, value);
  } else if (kind === "Float32Array") {
    code = 13;
    put = (view, at, value) => view.setFloat32(at, value);
  } else if (kind === "Float64Array") {
    code = 14;
    put = (view, at, value) => view.setFloat64(at, value);
  }
  const header = 4 + 4 * shape.length;
  const bytes = new Uint8Array(header + data.byteLength);
  const view = new DataView(bytes.buffer);
  bytes[2] = code;
  bytes[3] = shape.length;
  shape.forEach((extent, i) => {
    view.setUint32(4 + 4 * i, extent);
  });
  for (let i = 0; i < size; i++) put(view, header + i * data.BYTES_PER_ELEMENT, data[i]);
  return bytes;
}
