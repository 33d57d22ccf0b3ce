/**
 * @file safetensors: named tensors behind a JSON header. Bytes in, bytes out; reads strictly, writes deterministically.
 *
 * Layout: u64 little-endian header length n; n bytes of JSON `{ name: { dtype, shape, data_offsets: [begin, end] } }`
 * with an optional `__metadata__` of strings, padded with spaces; then the data, which the offsets cover without gap or
 * overlap.
 */
import { check, describe, iterable, oneOf, record, text } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { shapeText } from "../core/shape.js";
import { kindOf, type TypedArrayKind } from "../core/typed-arrays.js";
import { bytesOf, checkShape, checkStrings, elementsOf } from "./doors.js";
import { widenBrains, widenHalves } from "./float16.js";
import { isRecord, jsonText, readJson } from "./json.js";

/** Element types that are read and written, by their names in the file. */
export type SafeDType = "F64" | "F32" | "I64" | "U64" | "I32" | "U32" | "I16" | "U16" | "I8" | "U8" | "BOOL";

/** Typed arrays of {@link SafeDType}; 64-bit integers stay exact, BOOL is a byte 0 or 1. */
export type SafeData =
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

/** A tensor of a safetensors file. */
export interface SafeTensor {
  /** Of the elements in `data`. */
  readonly dtype: SafeDType;
  /** The file's own type, where the elements were widened to F32: exactly, subnormals, infinities and NaN too. */
  readonly stored?: "F16" | "BF16";
  /** Extents, outermost first; `[]` is a scalar. */
  readonly shape: number[];
  /** Elements in row-major order; a copy, which the caller owns. */
  readonly data: SafeData;
}

/** Contents of a safetensors file; `tensors` iterates in the order of the data. */
export interface SafeFile {
  /** Tensors by name. */
  readonly tensors: Map<string, SafeTensor>;
  /** What the file says of itself. */
  readonly metadata: Record<string, string>;
  /** Tensors whose element type is not read, such as F8_E4M3, with that type; they do not spoil the others. */
  readonly unread: Map<string, string>;
}

/** A tensor to write; `dtype` follows from the array unless given (BOOL is written from a Uint8Array). */
export interface SafeEntry {
  /** Name in the file. */
  readonly name: string;
  /** Extents, outermost first. */
  readonly shape: readonly number[];
  /** Values, row by row. */
  readonly data: SafeData;
  /** Type on disk; by default that of the data. */
  readonly dtype?: SafeDType;
}

/**
 * A tensor of a map by name: elements in a typed array, or what hands them out, as tensors and the arrays of a
 * network's `stateDict()` do.
 */
export type SafeMapEntry = readonly [
  name: string,
  tensor: Omit<SafeEntry, "name"> | { readonly shape: readonly number[]; readonly toTypedArray: () => ArrayBufferView },
];

/** How elements of a type are read; null for a type that is only known. */
type Reading = { readonly dtype: SafeDType; readonly stored?: SafeTensor["stored"] } & {
  readonly make: (buffer: ArrayBuffer) => SafeData;
};
interface ElementType {
  readonly bits: number;
  readonly reading: Reading | null;
}

const typed = (
  dtype: SafeDType,
  Type: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer): SafeData },
): ElementType => ({ bits: 8 * Type.BYTES_PER_ELEMENT, reading: { dtype, make: (buffer) => new Type(buffer) } });

/** Types of packed models, by name. */
const PACKED_TYPES: Readonly<Record<string, ElementType>> = {
  F32: typed("F32", Float32Array),
  I8: typed("I8", Int8Array),
  U8: typed("U8", Uint8Array),
};

const known = (bits: number): ElementType => ({ bits, reading: null });

/** Types of all files. A function, so that readers of packed models alone do not carry it. */
const allTypes = (): Readonly<Record<string, ElementType>> => ({
  F64: typed("F64", Float64Array),
  ...PACKED_TYPES,
  I64: typed("I64", BigInt64Array),
  I32: typed("I32", Int32Array),
  BOOL: typed("BOOL", Uint8Array),
  U64: typed("U64", BigUint64Array),
  U32: typed("U32", Uint32Array),
  I16: typed("I16", Int16Array),
  U16: typed("U16", Uint16Array),
  F16: { bits: 16, reading: { dtype: "F32", stored: "F16", make: widenHalves } },
  BF16: { bits: 16, reading: { dtype: "F32", stored: "BF16", make: widenBrains } },
  C64: known(64),
  F8_E5M2: known(8),
  F8_E4M3: known(8),
  F8_E8M0: known(8),
  F8_E5M2FNUZ: known(8),
  F8_E4M3FNUZ: known(8),
  F6_E2M3: known(6),
  F6_E3M2: known(6),
  F4: known(4),
});

const WRITTEN: Readonly<Record<SafeDType, TypedArrayKind>> = {
  F64: "Float64Array",
  F32: "Float32Array",
  I64: "BigInt64Array",
  U64: "BigUint64Array",
  I32: "Int32Array",
  U32: "Uint32Array",
  I16: "Int16Array",
  U16: "Uint16Array",
  I8: "Int8Array",
  U8: "Uint8Array",
  BOOL: "Uint8Array",
};
const METADATA = "__metadata__";
// The limit of the reference implementation: a longer header is an attack or an accident.
const MAX_HEADER = 100_000_000;

const isType = (name: unknown): name is SafeDType => typeof name === "string" && Object.hasOwn(WRITTEN, name);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly type: ElementType;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file.
 * @param bytes the whole file
 * @param file name for error messages
 * @returns tensors (copies), F16 and BF16 as F32; metadata; and what is not read
 * @throws FormatError naming file and tensor: truncated or oversized header, bad JSON, a key twice, an unknown dtype, a
 *   shape whose bytes differ from the offsets, offsets that overlap, leave gaps or do not end with the file
 */
export function readSafetensors(bytes: Uint8Array | ArrayBufferLike, file = "safetensors"): SafeFile {
  return readTensors(bytes, file, allTypes());
}

/** The same for a packed model, which has three types of elements. */
export function readPackedTensors(bytes: Uint8Array, file: string): SafeFile {
  return readTensors(bytes, file, PACKED_TYPES);
}

function readTensors(
  given: Uint8Array | ArrayBufferLike,
  file: string,
  types: Readonly<Record<string, ElementType>>,
): SafeFile {
  const bytes = bytesOf("readSafetensors", given, file);
  const fail = failOf(file);
  const { header, metadata, dataStart } = openHeader(bytes, file, fail);
  const entries = Object.entries(header).map(([name, fields]) => parseEntry(name, fields, types, fail));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  const tensors = new Map<string, SafeTensor>();
  const unread = new Map<string, string>();
  for (const { name, dtype, type, shape, begin, end } of entries) {
    if (begin !== at) {
      const what = `tensor ${describe(name)}: ${begin < at ? "overlaps the tensor before it" : "leaves a gap before it"}`;
      throw fail(what, `data from ${at}`, `${begin}`);
    }
    if (dataStart + end > bytes.length) {
      throw fail(
        `tensor ${describe(name)}: data outside the file`,
        `an end of at most ${bytes.length - dataStart}`,
        `${end}`,
      );
    }
    at = end;
    if (type.reading === null) {
      unread.set(name, dtype);
      continue;
    }
    // A copy, since the data need not be aligned for its type.
    const buffer = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end)).buffer;
    const { make, ...told } = type.reading;
    tensors.set(name, { ...told, shape, data: make(buffer) });
  }
  if (dataStart + at !== bytes.length) {
    throw fail("bytes after the last tensor", `${dataStart + at} bytes`, `${bytes.length}`);
  }
  return { tensors, metadata, unread };
}

type Fail = (what: string, expected?: string, got?: string, hint?: string) => FormatError;

const failOf =
  (file: string): Fail =>
  (what, expected, got, hint) =>
    new FormatError({ op: file, what, expected, got, hint });

/**
 * The metadata of a safetensors file alone: what it says of itself, before its tensors are read.
 *
 * @param file name for error messages
 * @throws FormatError as {@link readSafetensors}, for the header
 */
export function safetensorsMetadata(bytes: Uint8Array | ArrayBufferLike, file = "safetensors"): Record<string, string> {
  return openHeader(bytesOf("safetensorsMetadata", bytes, file), file, failOf(file)).metadata;
}

function openHeader(bytes: Uint8Array, file: string, fail: Fail) {
  if (bytes.length < 8) throw fail("truncated safetensors header", "at least 8 bytes", `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(Math.min(bytes.length - 8, MAX_HEADER))) {
    const expected = `at most ${Math.min(bytes.length - 8, MAX_HEADER)} bytes of header`;
    throw fail("header longer than the file", expected, `${length}`, "is this a safetensors file?");
  }
  const dataStart = 8 + Number(length);
  return { ...parseHeader(bytes.subarray(8, dataStart), file, fail), dataStart };
}

function parseHeader(
  bytes: Uint8Array,
  file: string,
  fail: Fail,
): { header: Record<string, unknown>; metadata: Record<string, string> } {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw fail("header is not JSON", "a JSON object in UTF-8", (error as Error).message);
  }
  const header = readJson(text, file, "header");
  if (!isRecord(header) || !text.startsWith("{")) throw fail("header is not a JSON object", "{…}", text.slice(0, 20));
  const metadata: Record<string, string> = {};
  if (Object.hasOwn(header, METADATA)) {
    const texts = header[METADATA];
    if (!isRecord(texts)) throw fail(`bad ${METADATA}`, "an object of strings", jsonText(texts));
    for (const [key, value] of Object.entries(texts)) {
      if (typeof value !== "string") throw fail(`bad ${METADATA}.${cut(key, 60)}`, "a string", jsonText(value));
      // Not by assignment, which a key "__proto__" would subvert.
      Object.defineProperty(metadata, key, { value, enumerable: true, writable: true, configurable: true });
    }
    delete header[METADATA];
  }
  return { header, metadata };
}

function parseEntry(name: string, fields: unknown, types: Readonly<Record<string, ElementType>>, fail: Fail): Entry {
  const broken = (what: string, expected: string, got: unknown) =>
    fail(`tensor ${describe(name)}: ${what}`, expected, jsonText(got));
  if (!isRecord(fields)) throw broken("bad description", "{dtype, shape, data_offsets}", fields);
  const { dtype, shape, data_offsets: offsets } = fields;
  const extra = Object.keys(fields).find((key) => key !== "dtype" && key !== "shape" && key !== "data_offsets");
  if (extra !== undefined) throw broken("unknown field", "dtype, shape, data_offsets", extra);
  if (typeof dtype !== "string" || !Object.hasOwn(types, dtype)) {
    throw broken("unknown dtype", `one of ${Object.keys(types).join(" ")}`, dtype);
  }
  const type = types[dtype];
  if (!Array.isArray(shape) || !shape.every(isCount)) throw broken("bad shape", "non-negative integers", shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    throw broken("bad data_offsets", "[begin, end] with 0 <= begin <= end", offsets);
  }
  let size = type.bits / 8;
  for (const extent of shape) {
    size *= extent;
    // Checked at each step, so that a later zero cannot hide an overflow.
    if (size > Number.MAX_SAFE_INTEGER) throw broken("shape overflows", "fewer than 2^53 bytes", shape);
  }
  if (size !== offsets[1] - offsets[0]) {
    throw broken(
      "shape and data_offsets disagree",
      `${size} bytes for ${dtype}${shapeText(shape)}`,
      offsets[1] - offsets[0],
    );
  }
  return { name, dtype, type, shape, begin: offsets[0], end: offsets[1] };
}

function typeOf(data: SafeData): SafeDType {
  const kind = kindOf(data);
  return (Object.keys(WRITTEN) as SafeDType[]).find((dtype) => WRITTEN[dtype] === kind) ?? "U8";
}

/** An entry of a list as it is, one of a map with its name and elements. */
function entryOf(item: SafeEntry | SafeMapEntry): SafeEntry {
  if (!Array.isArray(item)) return item as SafeEntry;
  const [name, tensor] = item as SafeMapEntry;
  check("writeSafetensors", "entry", tensor, record);
  const data = "toTypedArray" in tensor ? (tensor.toTypedArray() as SafeData) : tensor.data;
  return { name, shape: tensor.shape, data, ...("dtype" in tensor && isType(tensor.dtype) && { dtype: tensor.dtype }) };
}

/**
 * Writes a safetensors file: the same entries give the same bytes. Tensors and metadata keep their order; the header is
 * padded with spaces so that the data start at a multiple of 8.
 * @param entries tensors in the order to write them; or a map of them by name, such as `net.stateDict()` and the
 * `tensors` that were read
 * @param metadata strings to keep with them
 * @returns the whole file
 * @throws FormatError on a name used twice or reserved, or a shape or dtype that does not fit its data
 */
export function writeSafetensors(
  entries: Iterable<SafeEntry | SafeMapEntry>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts: string[] = [];
  const names = new Set<string>();
  check("writeSafetensors", "entries", entries, iterable);
  checkStrings("writeSafetensors", "metadata", metadata);
  const list = [...entries].map((item): SafeEntry => {
    const entry = entryOf(item);
    check("writeSafetensors", "entry", entry, record);
    check("writeSafetensors", "name", entry.name, text);
    checkShape("writeSafetensors", entry.shape);
    if (entry.dtype !== undefined) check("writeSafetensors", "dtype", entry.dtype, oneOf(...Object.keys(WRITTEN)));
    return { ...entry, data: elementsOf("writeSafetensors", entry.data, [...new Set(Object.values(WRITTEN))]) };
  });
  if (Object.keys(metadata).length > 0) parts.push(`${JSON.stringify(METADATA)}:${JSON.stringify(metadata)}`);
  let end = 0;
  for (const { name, shape, data, dtype = typeOf(data) } of list) {
    const fail = (what: string, expected: string, got: string) =>
      new FormatError({ op: "writeSafetensors", what: `tensor "${name}": ${what}`, expected, got });
    if (names.has(name) || name === METADATA) throw fail("bad name", `a new name other than ${METADATA}`, name);
    names.add(name);
    const own = typeOf(data);
    if (dtype !== own && !(dtype === "BOOL" && own === "U8")) throw fail("dtype does not fit its array", own, dtype);
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (!shape.every(isCount) || size !== data.length) {
      throw fail("shape does not fit its data", `${data.length} elements`, shapeText(shape));
    }
    const fields = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(fields)}`);
    end += data.byteLength;
  }
  const header = new TextEncoder().encode(`{${parts.join(",")}}`);
  const padded = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + end).fill(0x20, 8, 8 + padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(header, 8);
  let at = 8 + padded;
  for (const { data } of list) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
