/**
 * @file SHA-256 from a library. The build puts the library inside the built file, so that the installed package has no
 * dependencies, and nothing of it shows in the types.
 */
import { sha256 } from "@noble/hashes/sha2.js";

/** A digest that grows by pieces. */
export interface HashStream {
  update(bytes: Uint8Array): unknown;
  /** 32 bytes; nothing may follow. */
  digest(): Uint8Array;
}

/** A SHA-256 of nothing yet. */
export function startSha256(): HashStream {
  return sha256.create();
}
