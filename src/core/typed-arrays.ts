/**
 * @file Typed arrays told apart by what they are: `instanceof` fails for those of another realm (a frame, a vm context,
 * Jest). Imports nothing.
 */

/** The kinds of typed arrays, by the names of their constructors. */
export type TypedArrayKind =
  | "Int8Array"
  | "Uint8Array"
  | "Uint8ClampedArray"
  | "Int16Array"
  | "Uint16Array"
  | "Int32Array"
  | "Uint32Array"
  | "BigInt64Array"
  | "BigUint64Array"
  | "Float16Array"
  | "Float32Array"
  | "Float64Array";

const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

/** The kind of a typed array of any realm; null for everything else, DataView included. */
export function kindOf(value: unknown): TypedArrayKind | null {
  return (tagOf.call(value) as TypedArrayKind | undefined) ?? null;
}

const lengthsOf = [globalThis.ArrayBuffer, globalThis.SharedArrayBuffer]
  .filter((type) => type !== undefined)
  .map((type) => Object.getOwnPropertyDescriptor(type.prototype, "byteLength")!.get!);

/** True for an ArrayBuffer or SharedArrayBuffer of any realm: their own getter refuses everything else. */
function isArrayBuffer(value: unknown): value is ArrayBufferLike {
  return lengthsOf.some((lengthOf) => {
    try {
      lengthOf.call(value);
      return true;
    } catch {
      return false;
    }
  });
}

/** The memory behind a typed array, a view or a buffer of any realm; null for everything else. */
export function bufferIn(value: unknown): ArrayBufferLike | null {
  if (ArrayBuffer.isView(value)) return value.buffer;
  return isArrayBuffer(value) ? value : null;
}

/**
 * Bytes as a Uint8Array of this realm, on the same memory.
 *
 * @param value Uint8Array, Uint8ClampedArray, Int8Array, DataView, ArrayBuffer or SharedArrayBuffer, of any realm
 * @returns a view; null for everything else: elements of several bytes are not meant as bytes
 */
export function bytesIn(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  if (isArrayBuffer(value)) return new Uint8Array(value);
  const kind = kindOf(value);
  if (kind !== null ? !["Uint8Array", "Uint8ClampedArray", "Int8Array"].includes(kind) : !ArrayBuffer.isView(value)) {
    return null;
  }
  const { buffer, byteOffset, byteLength } = value as DataView;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
