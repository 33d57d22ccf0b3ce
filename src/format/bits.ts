/** @file Weight codes on disk: 1, 2, 4 or 8 bits each, dense, least significant bits first. */
import { packedBytes, packFields, storageBits } from "../codes/bits.js";
import { isWeightCode, weightTop } from "../codes/levels.js";
import { QuantError } from "../core/errors.js";
import { type Place, type RefuseTensor, refusal } from "./place.js";

/**
 * Packs weight codes densely, in fields of s = {@link storageBits} bits (see {@link packFields}). With 1 bit, 1 stands
 * for +1 and 0 for −1; otherwise codes are in two's complement. The bits after the last code are zero.
 *
 *     1 bit    bit   7   6   5   4   3   2   1   0        2 bits   bit   7 6   5 4   3 2   1 0       4 bits   bit   7…4   3…0
 *              byte 0 │c7 │c6 │c5 │c4 │c3 │c2 │c1 │c0 │            byte 0 │ c3  │ c2  │ c1  │ c0  │           byte 0 │ c1  │ c0  │
 *
 * @param codes i8, in the order [out][kh][kw][in]
 * @param bits 1…8; level set {±1} for 1 bit, {−top…top} with top = 2^{bits−1} − 1 otherwise
 * @returns `packedBytes(codes.length, bits)` bytes, owned by the caller
 * @throws QuantError if a code is not in the level set
 * @see BCGD §2, level sets Q
 */
export function packCodes(codes: Int8Array, bits: number): Uint8Array {
  const size = storageBits(bits);
  const top = weightTop(bits);
  const mask = 2 ** size - 1;
  return packFields(codes.length, size, (i) => {
    const code = codes[i];
    if (!isWeightCode(code, bits, top)) {
      throw new QuantError({
        op: "packCodes",
        what: `code ${i} is not a ${bits}-bit weight`,
        expected: bits === 1 ? "-1 or 1" : `an integer in [${-top}, ${top}]`,
        got: `${code}`,
      });
    }
    return bits === 1 ? (code + 1) >> 1 : code & mask;
  });
}

/**
 * Reads back what {@link packCodes} wrote.
 *
 * @param bytes exactly `packedBytes(count, bits)` bytes
 * @param place for messages
 * @returns `count` codes, owned by the caller
 * @throws FormatError on a wrong length, a code outside the level set or a padding bit that is set
 */
export function unpackCodes(bytes: Uint8Array, count: number, bits: number, place: Place): Int8Array {
  const refuse: RefuseTensor = refusal(place);
  const size = storageBits(bits);
  const top = weightTop(bits);
  const perByte = 8 / size;
  if (bytes.length !== packedBytes(count, bits)) {
    refuse(`length of ${count} codes of ${bits} bits`, `${packedBytes(count, bits)} bytes`, `${bytes.length}`);
  }
  const codes = new Int8Array(count);
  const mask = 2 ** size - 1;
  for (let i = 0; i < count; i++) {
    const field = (bytes[Math.floor(i / perByte)] >> ((i % perByte) * size)) & mask;
    const code = bits === 1 ? 2 * field - 1 : (field << (32 - size)) >> (32 - size);
    if (code > top || code < -top) refuse(`code ${i}`, `an integer in [${-top}, ${top}]`, `${code}`);
    codes[i] = code;
  }
  const used = (count * size) % 8;
  if (used !== 0 && bytes[bytes.length - 1] >> used !== 0) {
    refuse("padding bits after the last code", "zeros", `0x${bytes[bytes.length - 1].toString(16)} in the last byte`);
  }
  return codes;
}
