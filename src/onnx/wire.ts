/**
 * @file Protobuf's wire format, from a library. The build puts the library inside the built file, so that the installed
 * package has no dependencies, and nothing of it shows in the types.
 */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/** Protobuf's wire types. Groups (3, 4) are read over, never written. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const FIXED32 = 5;

/**
 * What is used of the library's reader. It throws on malformed input, but fixed-width and varint reads may pass the
 * end: see `pos`.
 */
export interface WireReader {
  readonly pos: number;
  readonly len: number;
  tag(): [field: number, wireType: number];
  skip(wireType: number, field: number): Uint8Array;
  int64(): bigint | string;
  float(): number;
  double(): number;
  bytes(): Uint8Array;
}

/** What is used of the library's writer. */
export interface WireWriter {
  tag(field: number, wireType: number): WireWriter;
  fork(): WireWriter;
  join(): WireWriter;
  int64(value: bigint): WireWriter;
  float(value: number): WireWriter;
  double(value: number): WireWriter;
  bytes(value: Uint8Array): WireWriter;
  string(value: string): WireWriter;
  finish(): Uint8Array;
}

/** A reader at the start of a message. */
export function wireReader(bytes: Uint8Array): WireReader {
  return new BinaryReader(bytes);
}

/** An empty writer. */
export function wireWriter(): WireWriter {
  return new BinaryWriter();
}
