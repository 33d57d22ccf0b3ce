/** @file Inflate: the decompression of DEFLATE streams (RFC 1951), by canonical Huffman codes counted per length. */
import { FormatError } from "../core/errors.js";

const MAX_BITS = 15;
/** Base and extra bits of match lengths, symbols 257 … 285 (RFC 1951 §3.2.5). */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** Order in which the lengths of the code-length code are stored. */
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A Huffman code: how many codes each length has, and the symbols in the order of their codes. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

/**
 * Decompresses a DEFLATE stream.
 *
 * @param bytes the stream; nothing may follow it
 * @param size bytes that it must give, neither more nor fewer
 * @param file its name for messages
 * @returns the bytes, owned by the caller
 * @throws FormatError if the stream is not one, ends early, or gives another number of bytes
 */
export function inflate(bytes: Uint8Array, size: number, file = "inflate"): Uint8Array {
  return new Inflater(bytes, size, file).run();
}

class Inflater {
  readonly #bytes: Uint8Array;
  readonly #out: Uint8Array;
  readonly #file: string;
  #at = 0;
  #length = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, size: number, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    // No stream grows more than 1032 times: larger claims are refused before memory is taken for them.
    if (size > 1032 * bytes.length + 64)
      this.#fail("size of the contents", `at most 1032 times ${bytes.length}`, `${size}`);
    this.#out = new Uint8Array(size);
  }

  #fail(what: string, expected: string, got: string): never {
    throw new FormatError({ op: this.#file, what: `compressed data: ${what}`, expected, got });
  }

  run(): Uint8Array {
    for (let last = 0; last === 0; ) {
      last = this.#bits(1);
      const kind = this.#bits(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) this.#compressed(...this.#fixed());
      else if (kind === 2) this.#compressed(...this.#dynamic());
      else this.#fail("kind of block", "0, 1 or 2", "3");
    }
    if (this.#length !== this.#out.length) this.#fail("contents", `${this.#out.length} bytes`, `${this.#length}`);
    if (this.#at !== this.#bytes.length) this.#fail("end", `${this.#at} bytes`, `${this.#bytes.length}`);
    return this.#out;
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) this.#fail("stream", "more bytes", "its end");
    return this.#bytes[this.#at++];
  }

  #bits(count: number): number {
    while (this.#count < count) {
      this.#held |= this.#byte() << this.#count;
      this.#count += 8;
    }
    const value = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#count -= count;
    return value;
  }

  #put(byte: number): void {
    if (this.#length >= this.#out.length) this.#fail("contents", `${this.#out.length} bytes`, "more");
    this.#out[this.#length++] = byte;
  }

  #stored(): void {
    this.#held = 0;
    this.#count = 0;
    const length = this.#byte() | (this.#byte() << 8);
    const check = this.#byte() | (this.#byte() << 8);
    if ((length ^ check) !== 0xffff) this.#fail("length of a stored block", "its complement beside it", `${check}`);
    for (let i = 0; i < length; i++) this.#put(this.#byte());
  }

  #symbol({ counts, symbols }: Code): number {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length <= MAX_BITS; length++) {
      code |= this.#bits(1);
      const count = counts[length];
      if (code - count < first) return symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return this.#fail("Huffman code", "one of the table's", "none");
  }

  #code(lengths: readonly number[], what: string): Code {
    const counts = new Uint16Array(MAX_BITS + 1);
    for (const length of lengths) counts[length]++;
    let left = 1;
    for (let length = 1; length <= MAX_BITS; length++) {
      left = 2 * left - counts[length];
      if (left < 0) this.#fail(what, "a Huffman code", "too many codes of one length");
    }
    const used = lengths.length - counts[0];
    if (left > 0 && used > 1) this.#fail(what, "a complete Huffman code", "an incomplete one");
    const starts = new Uint16Array(MAX_BITS + 2);
    for (let length = 1; length <= MAX_BITS; length++) starts[length + 1] = starts[length] + counts[length];
    const symbols = new Uint16Array(lengths.length);
    lengths.forEach((length, symbol) => {
      if (length > 0) symbols[starts[length]++] = symbol;
    });
    counts[0] = 0;
    return { counts, symbols };
  }

  #fixed(): [Code, Code] {
    const lengths = Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
    return [this.#code(lengths, "fixed code"), this.#code(Array<number>(32).fill(5), "fixed code")];
  }

  #dynamic(): [Code, Code] {
    const literals = this.#bits(5) + 257;
    const distances = this.#bits(5) + 1;
    const lengthCount = this.#bits(4) + 4;
    if (literals > 286 || distances > 30)
      this.#fail("numbers of codes", "at most 286 and 30", `${literals}, ${distances}`);
    const own = Array<number>(19).fill(0);
    for (let i = 0; i < lengthCount; i++) own[CODE_ORDER[i]] = this.#bits(3);
    const meta = this.#code(own, "code of lengths");
    const lengths: number[] = [];
    while (lengths.length < literals + distances) {
      const symbol = this.#symbol(meta);
      if (symbol < 16) {
        lengths.push(symbol);
        continue;
      }
      if (symbol === 16 && lengths.length === 0) this.#fail("repeat", "a length before it", "none");
      const value = symbol === 16 ? lengths[lengths.length - 1] : 0;
      const times = symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7);
      for (let i = 0; i < times; i++) lengths.push(value);
    }
    if (lengths.length > literals + distances) this.#fail("lengths", `${literals + distances}`, `${lengths.length}`);
    if (lengths[256] === 0) this.#fail("code", "one for the end of a block", "none");
    return [
      this.#code(lengths.slice(0, literals), "code of literals"),
      this.#code(lengths.slice(literals), "code of distances"),
    ];
  }

  #compressed(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol < 256) {
        this.#put(symbol);
        continue;
      }
      if (symbol === 256) return;
      const at = symbol - 257;
      if (at >= LENGTH_BASE.length) this.#fail("length symbol", "at most 285", `${symbol}`);
      const length = LENGTH_BASE[at] + this.#bits(LENGTH_EXTRA[at]);
      const far = this.#symbol(distances);
      if (far >= DISTANCE_BASE.length) this.#fail("distance symbol", "at most 29", `${far}`);
      const distance = DISTANCE_BASE[far] + this.#bits(DISTANCE_EXTRA[far]);
      if (distance > this.#length) this.#fail("distance", `at most ${this.#length}`, `${distance}`);
      for (let i = 0; i < length; i++) this.#put(this.#out[this.#length - distance]);
    }
  }
}
