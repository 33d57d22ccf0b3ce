/** @file Checksums of files and of what they hold: CRC-32, and one over the contents of a safetensors file. */
import { kindOf } from "../core/typed-arrays.js";

/** What the remainder's low nibble folds into, for CRC-32 (IEEE 802.3). */
const NIBBLES = Uint32Array.from({ length: 16 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 4; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/**
 * CRC-32 (IEEE 802.3) of bytes, four bits at a time. It finds every burst of up to 32 changed bits; other changes
 * escape with chance 2^-32.
 *
 * @param before the checksum of the bytes before these; default none
 * @returns an unsigned 32-bit number
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i];
    crc = (crc >>> 4) ^ NIBBLES[crc & 15];
    crc = (crc >>> 4) ^ NIBBLES[crc & 15];
  }
  return ~crc >>> 0;
}

/** A tensor as files name it. */
interface Named {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/**
 * CRC-32 of what a safetensors file holds: a line of JSON, `[metadata, tensors]` as lists of [name, text] and [name,
 * kind of array, shape] in the order of their names, then the tensors' bytes in that order. Tools that write the
 * tensors in another order do not change it.
 *
 * @param tensors in any order
 * @param metadata without the entry that will hold the checksum
 * @returns eight hexadecimal digits
 */
export function contentChecksum(tensors: Iterable<Named>, metadata: Readonly<Record<string, string>>): string {
  const byName = (a: string, b: string): number => (a < b ? -1 : 1);
  const list = [...tensors].sort((a, b) => byName(a.name, b.name));
  const texts = Object.entries(metadata).sort(([a], [b]) => byName(a, b));
  const head = JSON.stringify([texts, list.map(({ name, shape, data }) => [name, kindOf(data), shape])]);
  let crc = crc32(new TextEncoder().encode(head));
  for (const { data } of list) crc = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc);
  return crc.toString(16).padStart(8, "0");
}
