/** @file NumPy's .npy: one array behind a header that is a Python dictionary literal. Bytes in, bytes out. */
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { shapeText } from "../core/shape.js";
import { kindOf, type TypedArrayKind } from "../core/typed-arrays.js";
import { bytesOf, checkShape, elementsOf } from "./doors.js";
import { widenHalves } from "./float16.js";
import { parseNpyHeader } from "./npy-header.js";

/** Arrays that .npy files are read into and written from; 64-bit integers stay exact, booleans are bytes 0 or 1. */
export type NpyData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** Contents of a .npy file. */
export interface NpyFile {
  /** NumPy's name of the element type without byte order: f8 f4 f2 i8 u8 i4 u4 i2 u2 i1 u1 b1. */
  readonly descr: string;
  /** Extents, outermost first; `[]` is a scalar. */
  readonly shape: number[];
  /** Elements in row-major order, those of f2 as float32, exactly; a copy, which the caller owns. */
  readonly data: NpyData;
}

const TYPES: Readonly<Record<string, { bytes: number; make(buffer: ArrayBuffer): NpyData }>> = {
  f8: { bytes: 8, make: (b) => new Float64Array(b) },
  f4: { bytes: 4, make: (b) => new Float32Array(b) },
  f2: { bytes: 2, make: widenHalves },
  i8: { bytes: 8, make: (b) => new BigInt64Array(b) },
  u8: { bytes: 8, make: (b) => new BigUint64Array(b) },
  i4: { bytes: 4, make: (b) => new Int32Array(b) },
  u4: { bytes: 4, make: (b) => new Uint32Array(b) },
  i2: { bytes: 2, make: (b) => new Int16Array(b) },
  u2: { bytes: 2, make: (b) => new Uint16Array(b) },
  i1: { bytes: 1, make: (b) => new Int8Array(b) },
  u1: { bytes: 1, make: (b) => new Uint8Array(b) },
  b1: { bytes: 1, make: (b) => new Uint8Array(b) },
};
/** What NumPy can write besides, in words, by the letter of the type. */
const OTHERS: Readonly<Record<string, string>> = {
  O: "Python objects (a pickle, which could run code)",
  U: "strings",
  S: "byte strings",
  a: "byte strings",
  T: "strings",
  c: "complex numbers",
  M: "dates",
  m: "times",
  V: "raw bytes",
  r: "records",
};
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Bytes of header that are read: what version 1 can hold. NumPy itself reads 10,000 characters. */
const MAX_HEADER = 0xffff;

/**
 * Reads a .npy file, versions 1 to 3, either byte order, row by row or column by column.
 * @param bytes the whole file
 * @param file name for error messages
 * @returns element type, shape and elements
 * @throws FormatError on a wrong magic number, a header that is not understood, an unsupported element type
 *   (strings and Python objects among them), or a length other than the header says
 */
export function readNpy(bytes: Uint8Array | ArrayBufferLike, file = "npy"): NpyFile {
  const array = openNpy(bytesOf("readNpy", bytes, file), file);
  if (typeof array !== "string") return array;
  throw new FormatError({
    op: file,
    what: "unsupported element type",
    expected: `one of ${Object.keys(TYPES).join(" ")}`,
    got: array,
  });
}

/**
 * The same for a member of an archive.
 *
 * @returns the element type in words where it is none that is read
 */
export function openNpy(bytes: Uint8Array, file: string): NpyFile | string {
  const fail = (what: string, expected: string, got: string, hint?: string) =>
    new FormatError({ op: file, what, expected, got, hint });
  if (bytes.length < 10) throw fail("truncated .npy header", "at least 10 bytes", `${bytes.length}`);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    const hint = bytes[0] === 0x50 && bytes[1] === 0x4b ? "this is a .npz archive: readNpz reads it" : undefined;
    throw fail("not a .npy file", "magic \\x93NUMPY", `${[...bytes.subarray(0, 6)]}`, hint);
  }
  const version = bytes[6];
  if (version < 1 || version > 3) throw fail("unknown .npy version", "1, 2 or 3", `${version}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const prefix = version === 1 ? 10 : 12;
  if (bytes.length < prefix) throw fail("truncated .npy header", `${prefix} bytes`, `${bytes.length}`);
  const start = prefix + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < start) throw fail("truncated .npy header", `${start} bytes`, `${bytes.length}`);
  if (start - prefix > MAX_HEADER) {
    throw fail("header too long", `at most ${MAX_HEADER} bytes`, `${start - prefix}`, "a limit of the reader");
  }
  const header = new TextDecoder().decode(bytes.subarray(prefix, start));
  const fields = parseNpyHeader(header);
  if (fields === null) {
    throw fail("header not understood", "{'descr': …, 'fortran_order': …, 'shape': (…)}", cut(header, 80));
  }
  const { order, descr, shape, fortran } = fields;
  const type = Object.hasOwn(TYPES, descr) ? TYPES[descr] : undefined;
  if (type === undefined) {
    const words = Object.hasOwn(OTHERS, descr[0]) ? OTHERS[descr[0]] : "";
    return words === "" || words === descr ? descr : `${descr}, ${words}`;
  }
  if (!shape.every(Number.isSafeInteger))
    throw fail("shape overflows", "extents below 2^53", cut(shapeText(shape), 80));
  const size = shape.reduce((product, extent) => product * extent, type.bytes);
  if (bytes.length !== start + size) {
    const what = bytes.length < start + size ? "truncated .npy file" : "trailing bytes after the .npy data";
    throw fail(what, `${start + size} bytes for ${descr}${cut(shapeText(shape), 200)}`, `${bytes.length}`);
  }
  const copy = new Uint8Array(bytes.subarray(start));
  if (order === ">" && type.bytes > 1) {
    for (let at = 0; at < copy.length; at += type.bytes) copy.subarray(at, at + type.bytes).reverse();
  }
  const data = type.make(copy.buffer);
  return { descr, shape, data: fortran ? rowMajor(data, shape) : data };
}

/** Elements that lie with the first index fastest, put with the last one fastest. */
function rowMajor(data: NpyData, shape: readonly number[]): NpyData {
  if (shape.filter((extent) => extent > 1).length < 2) return data;
  const out = data.slice();
  const steps = shape.map((_, axis) => shape.slice(0, axis).reduce((product, extent) => product * extent, 1));
  const index = shape.map(() => 0);
  for (let to = 0, from = 0; to < data.length; to++) {
    out[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < shape[axis]) break;
      from -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

const WRITTEN: Readonly<Partial<Record<TypedArrayKind, string>>> = {
  Float64Array: "<f8",
  Float32Array: "<f4",
  BigInt64Array: "<i8",
  BigUint64Array: "<u8",
  Int32Array: "<i4",
  Uint32Array: "<u4",
  Int16Array: "<i2",
  Uint16Array: "<u2",
  Int8Array: "|i1",
  Uint8Array: "|u1",
};
const KINDS = Object.keys(WRITTEN) as TypedArrayKind[];

/**
 * Writes a .npy file, version 1, little-endian, row-major, as `numpy.save` does.
 * @param shape extents with the product `data.length`
 * @param data elements in row-major order
 * @returns the whole file
 * @throws FormatError if the shape does not fit the data
 */
export function writeNpy(shape: readonly number[], data: NpyData): Uint8Array {
  checkShape("writeNpy", shape);
  data = elementsOf("writeNpy", data, KINDS);
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (size !== data.length || !shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    const expected = `a product of ${data.length}`;
    throw new FormatError({ op: "writeNpy", what: "shape does not fit its data", expected, got: shapeText(shape) });
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dictionary = `{'descr': '${WRITTEN[kindOf(data) as TypedArrayKind]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy pads with spaces and a newline so that the data start at a multiple of 64.
  const start = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + data.byteLength).fill(0x20, 10, start);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(dictionary), 10);
  bytes[start - 1] = 0x0a;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}
