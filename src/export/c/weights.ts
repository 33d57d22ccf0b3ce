/** @file Weight codes as C constants: dense bits as in the file, or 1-bit rows of whole words for counting bits. */
import { packFields, storageBits } from "../../codes/bits.js";
import type { HelperName } from "./helpers/index.js";
import type { CModule } from "./module.js";

/** Weights as a stream, and the width of its codes. */
export interface CStream {
  readonly name: string;
  readonly type: string;
  readonly size: 1 | 2 | 4 | 8;
}

/** Codes of `bits` bits as a dense stream, least significant bits first. */
export function streamOf(module: CModule, codes: Int8Array, bits: number): CStream {
  const size = storageBits(bits);
  if (size === 8) return { ...module.integers("weight", codes), size };
  const mask = 2 ** size - 1;
  const packed = packFields(codes.length, size, (i) => (bits === 1 ? (codes[i] + 1) >> 1 : codes[i] & mask));
  return { ...module.bytes("weight", packed), size };
}

/** Helper by the width of a stream's codes. */
export function byWidth<Kind extends "dot" | "sum_code" | "wide_code">(
  kind: Kind,
  { size }: CStream,
): HelperName & `${Kind}${1 | 2 | 4 | 8}` {
  return `${kind}${size}` as HelperName & `${Kind}${1 | 2 | 4 | 8}`;
}

/** Words of a row of `patch` bits. */
export function rowWords(patch: number): number {
  return Math.ceil(patch / 32);
}

/** Rows of 1-bit weights, each padded with zeros to whole words. */
export function wordRows(module: CModule, codes: Int8Array, out: number): string {
  const patch = codes.length / out;
  const words = rowWords(patch);
  const rows = new Uint32Array(out * words);
  codes.forEach((code, i) => {
    const [row, at] = [Math.floor(i / patch), i % patch];
    if (code > 0) rows[row * words + (at >> 5)] |= 1 << (at & 31);
  });
  return module.words("weight", rows).name;
}
