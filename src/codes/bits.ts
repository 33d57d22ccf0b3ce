/** @file Codes as dense bits: how many each takes, and the order in which they lie in bytes. */

/**
 * Bits that one code of a b-bit weight takes where it is stored: 1 → 1, 2 → 2, 3 and 4 → 4, 5…8 → 8.
 *
 * @param bits width of the weights, 1…8
 */
export function storageBits(bits: number): 1 | 2 | 4 | 8 {
  return bits === 1 ? 1 : bits === 2 ? 2 : bits <= 4 ? 4 : 8;
}

/** Bytes that `count` codes of b-bit weights take: ⌈count·storageBits/8⌉. */
export function packedBytes(count: number, bits: number): number {
  return Math.ceil((count * storageBits(bits)) / 8);
}

/**
 * Fields of `size` bits, densely: field i occupies bits [i·size, (i+1)·size) of the stream, and bit j of the stream is
 * bit j mod 8 (0 = least significant) of byte ⌊j/8⌋. The bits after the last field are zero.
 *
 * @param field value of the i-th, 0 ≤ field < 2^size
 */
export function packFields(count: number, size: 1 | 2 | 4 | 8, field: (i: number) => number): Uint8Array {
  const perByte = 8 / size;
  const out = new Uint8Array(Math.ceil(count / perByte));
  for (let i = 0; i < count; i++) out[Math.floor(i / perByte)] |= field(i) << ((i % perByte) * size);
  return out;
}
