/** @file SHA-256 (FIPS 180-4), synchronous, for naming files and runs in Node and the browser alike. */
import { checkBytes } from "./checks.js";

/** Fractional bits of √p or ∛p, p the first primes: §4.2.2 and §5.3.3 define the constants so. */
function primeRootWords(count: number, root: (p: bigint) => bigint): Int32Array {
  const words = new Int32Array(count);
  for (let n = 0, p = 2; n < count; p++) {
    let prime = true;
    for (let d = 2; d * d <= p; d++) if (p % d === 0) prime = false;
    if (prime) words[n++] = Number(BigInt.asIntN(32, root(BigInt(p))));
  }
  return words;
}

/** ⌊(p·2^(32·degree))^(1/degree)⌋ by bisection: the root of p with 32 fractional bits, exactly. */
function fixedRoot(p: bigint, degree: bigint): bigint {
  const target = p << (32n * degree);
  let low = 0n;
  let high = p << 32n;
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** degree <= target) low = middle;
    else high = middle - 1n;
  }
  return low;
}

const ROUND = primeRootWords(64, (p) => fixedRoot(p, 3n));
const INITIAL = primeRootWords(8, (p) => fixedRoot(p, 2n));

/**
 * SHA-256 of bytes that come in pieces.
 *
 * @example
 * new Sha256().update(header).update(body).hex();
 */
export class Sha256 {
  readonly #hash = INITIAL.slice();
  readonly #block = new Uint8Array(64);
  readonly #schedule = new Int32Array(64);
  #filled = 0;
  #length = 0;
  #digest: string | null = null;

  /**
   * Appends bytes.
   * @param data a Uint8Array or what else counts as bytes, of any realm
   * @returns this
   * @throws DTypeError for anything else; Error if `hex` has been called
   */
  update(data: Uint8Array): this {
    const bytes = checkBytes("sha256", "data", data);
    if (this.#digest !== null) throw new Error("internal: Sha256.update after hex");
    this.#length += bytes.length;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(64 - this.#filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < 64) return this;
      this.#compress(this.#block, 0);
      this.#filled = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.#compress(bytes, at);
    this.#block.set(bytes.subarray(at));
    this.#filled = bytes.length - at;
    return this;
  }

  /** The digest of all bytes so far, 64 lower-case hexadecimal digits; ends the stream. */
  hex(): string {
    this.#digest ??= this.#finish();
    return this.#digest;
  }

  #finish(): string {
    // §5.1.1: one bit 1, zeros, then the length in bits as a 64-bit big-endian integer.
    const padding = new Uint8Array(this.#filled < 56 ? 64 : 128);
    padding.set(this.#block.subarray(0, this.#filled));
    padding[this.#filled] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(this.#length / 2 ** 29));
    view.setUint32(padding.length - 4, (this.#length * 8) >>> 0);
    for (let at = 0; at < padding.length; at += 64) this.#compress(padding, at);
    return Array.from(this.#hash, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** §6.2.2 on the 64 bytes at `at`. */
  #compress(bytes: Uint8Array, at: number): void {
    const w = this.#schedule;
    for (let t = 0; t < 16; t++) {
      const i = at + 4 * t;
      w[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
    }
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15];
      const y = w[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (s1 + w[t - 7] + s0 + w[t - 16]) | 0;
    }
    const hash = this.#hash;
    let a = hash[0];
    let b = hash[1];
    let c = hash[2];
    let d = hash[3];
    let e = hash[4];
    let f = hash[5];
    let g = hash[6];
    let h = hash[7];
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t] + w[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
    hash[5] += f;
    hash[6] += g;
    hash[7] += h;
  }
}

/**
 * SHA-256 of bytes, or of several pieces as if joined.
 * @returns 64 lower-case hexadecimal digits
 * @throws DTypeError for what is no bytes, text for one: which encoding is meant?
 */
export function sha256Hex(bytes: Uint8Array | readonly Uint8Array[]): string {
  const hash = new Sha256();
  if (!Array.isArray(bytes)) return hash.update(bytes as Uint8Array).hex();
  for (let i = 0; i < bytes.length; i++) hash.update(bytes[i]);
  return hash.hex();
}
