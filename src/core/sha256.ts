/** @file SHA-256 (FIPS 180-4), synchronous, for naming files and runs in Node and the browser alike. */
import { checkBytes } from "./checks.js";
import { startSha256 } from "./sha256-library.js";

/**
 * SHA-256 of bytes that come in pieces.
 *
 * @example
 * new Sha256().update(header).update(body).hex();
 */
export class Sha256 {
  readonly #stream = startSha256();
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
    this.#stream.update(bytes);
    return this;
  }

  /** The digest of all bytes so far, 64 lower-case hexadecimal digits; ends the stream. */
  hex(): string {
    this.#digest ??= Array.from(this.#stream.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return this.#digest;
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
