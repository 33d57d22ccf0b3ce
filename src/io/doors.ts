/** @file What every reader and writer of this room asks of its arguments. */
import { check, checkBytes, describe, listOf, numeric, refuse, text } from "../core/checks.js";
import { DTypeError } from "../core/errors.js";
import { kindOf, type TypedArrayKind } from "../core/typed-arrays.js";

/** The bytes of a file and its name, which must be a string. @throws DTypeError, ArgumentError */
export function bytesOf(op: string, bytes: unknown, file: unknown): Uint8Array {
  check(op, "file", file, text);
  return checkBytes(op, "bytes", bytes);
}

const shapeRule = /* @__PURE__ */ listOf(numeric);

/** Extents of an array to write are a list of numbers; which numbers, the format says. @throws ArgumentError */
export function checkShape(op: string, shape: unknown): void {
  check(op, "shape", shape, shapeRule);
}

/**
 * Elements to write, as a typed array of this realm on the same memory.
 *
 * @param kinds that the format can hold
 * @throws DTypeError for anything else
 */
export function elementsOf<Data extends ArrayBufferView>(
  op: string,
  data: unknown,
  kinds: readonly TypedArrayKind[],
): Data {
  const kind = kindOf(data);
  if (kind === null || !kinds.includes(kind)) {
    throw new DTypeError({ op, what: "bad data", expected: kinds.join(", "), got: describe(data) });
  }
  const type = (globalThis as unknown as Record<string, new (...args: unknown[]) => Data>)[kind];
  if (data instanceof type) return data;
  const { buffer, byteOffset, length } = data as Uint8Array;
  return new type(buffer, byteOffset, length);
}

/** A record of strings. @throws ArgumentError */
export function checkStrings(op: string, name: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    refuse(op, name, "an object of strings", value);
  for (const [key, each] of Object.entries(value as object)) check(op, `${name} ${describe(key)}`, each, text);
}
