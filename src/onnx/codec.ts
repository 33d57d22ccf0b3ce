/** @file ONNX files as bytes: messages decoded and encoded by the tables of schema.ts, strictly. */
import { CoarsegradError, FormatError } from "../core/errors.js";
import { type Field, type Kind, type MessageTable, MODEL, type ModelMessage } from "./schema.js";
import {
  DELIMITED,
  FIXED32,
  FIXED64,
  VARINT,
  type WireReader,
  type WireWriter,
  wireReader,
  wireWriter,
} from "./wire.js";

/** Messages inside messages: subgraphs nest, and a file must not overflow the stack. */
const MAX_DEPTH = 64;

/** Shared: making one costs more than most texts take to decode. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const WIRE_TYPES: Readonly<Record<string, number>> = {
  int: VARINT,
  float: FIXED32,
  double: FIXED64,
  string: DELIMITED,
  bytes: DELIMITED,
};

/** Values of one message while it is read. */
type Values = Record<string, unknown>;

/**
 * Decodes an ONNX file. Fields that this library has no use for are read over.
 *
 * @param bytes the whole file; tensors' raw data are views of it
 * @param file its name for messages
 * @throws FormatError that names the place: truncated or malformed bytes, text that is not UTF-8, a field of another
 * type or twice, messages nested too deeply
 */
export function decodeModel(bytes: Uint8Array, file: string): ModelMessage {
  try {
    return decode(wireReader(bytes), MODEL, "model", 0, file);
  } catch (error) {
    if (error instanceof CoarsegradError) throw error;
    throw new FormatError({ op: file, what: "not an ONNX file", expected: "protobuf", got: (error as Error).message });
  }
}

function decode(reader: WireReader, table: MessageTable, path: string, depth: number, file: string): Values {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new FormatError({ op: file, what: `${path}: ${what}`, expected, got });
  };
  if (depth > MAX_DEPTH) refuse("messages inside messages", `at most ${MAX_DEPTH}`, "more");
  const values: Values = {};
  const fields = table();
  while (reader.pos < reader.len) {
    let field: Field | undefined;
    try {
      const [number, wireType] = reader.tag();
      field = fields.get(number);
      if (field === undefined) reader.skip(wireType, number);
      else readField(reader, field, wireType, values, { path, depth, file });
    } catch (error) {
      if (error instanceof CoarsegradError) throw error;
      refuse(field === undefined ? "malformed" : field.name, "protobuf", (error as Error).message);
    }
    // Varints and fixed-width numbers at the end of the file are read past it as zeros.
    if (reader.pos > reader.len) refuse("truncated", `${reader.len} bytes`, `a field that ends at ${reader.pos}`);
  }
  return values;
}

interface Place {
  readonly path: string;
  readonly depth: number;
  readonly file: string;
}

function readField(reader: WireReader, field: Field, wireType: number, values: Values, place: Place): void {
  const { name, kind, repeated } = field;
  const wanted = typeof kind === "string" ? WIRE_TYPES[kind] : DELIMITED;
  const packed = repeated && wireType === DELIMITED && wanted !== DELIMITED;
  const refuse = (what: string, expected: string, got: string): never => {
    throw new FormatError({ op: place.file, what: `${place.path}.${name}: ${what}`, expected, got });
  };
  if (wireType !== wanted && !packed) refuse("wire type", `${wanted}`, `${wireType}`);
  if (!repeated) {
    if (Object.hasOwn(values, name)) refuse("occurs twice", "once", "more");
    values[name] = readValue(reader, kind, name, place);
    return;
  }
  values[name] ??= [];
  const list = values[name] as unknown[];
  if (!packed) {
    list.push(readValue(reader, kind, `${name}[${list.length}]`, place));
    return;
  }
  const inner = wireReader(reader.bytes());
  while (inner.pos < inner.len) list.push(readValue(inner, kind, name, place));
  if (inner.pos > inner.len) refuse("truncated", "whole numbers", "a part of one");
}

function readValue(reader: WireReader, kind: Kind, name: string, { path, depth, file }: Place): unknown {
  switch (kind) {
    case "int":
      return Number(reader.int64());
    case "float":
      return reader.float();
    case "double":
      return reader.double();
    case "bytes":
      return reader.bytes();
    case "string":
      return textOf(reader.bytes(), `${path}.${name}`, file);
    default:
      return decode(wireReader(reader.bytes()), kind, `${path}.${name}`, depth + 1, file);
  }
}

/** Text of UTF-8 bytes. @throws FormatError if they are not */
export function textOf(bytes: Uint8Array, what: string, file: string): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new FormatError({ op: file, what, expected: "UTF-8 text", got: "other bytes" });
  }
}

/** Encodes a model. The same model gives the same bytes. @returns owned by the caller */
export function encodeModel(model: ModelMessage): Uint8Array {
  return encode(wireWriter(), MODEL, model as Values).finish();
}

function encode(writer: WireWriter, table: MessageTable, values: Values): WireWriter {
  for (const [number, { name, kind, repeated }] of table()) {
    const value = values[name];
    if (value === undefined) continue;
    if (!repeated) writeValue(writer.tag(number, wireTypeOf(kind)), kind, value);
    else if (wireTypeOf(kind) === DELIMITED) {
      for (const item of value as unknown[]) writeValue(writer.tag(number, DELIMITED), kind, item);
    } else if ((value as unknown[]).length > 0) {
      writer.tag(number, DELIMITED).fork();
      for (const item of value as unknown[]) writeValue(writer, kind, item);
      writer.join();
    }
  }
  return writer;
}

function wireTypeOf(kind: Kind): number {
  return typeof kind === "string" ? WIRE_TYPES[kind] : DELIMITED;
}

function writeValue(writer: WireWriter, kind: Kind, value: unknown): void {
  switch (kind) {
    case "int":
      writer.int64(BigInt(value as number));
      break;
    case "float":
      writer.float(value as number);
      break;
    case "double":
      writer.double(value as number);
      break;
    case "bytes":
      writer.bytes(value as Uint8Array);
      break;
    case "string":
      writer.string(value as string);
      break;
    default:
      encode(writer.fork(), kind, value as Values).join();
  }
}
