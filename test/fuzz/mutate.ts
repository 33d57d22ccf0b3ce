/** @file Damage: flipped bits, other bytes, cuts, splices, and numbers next to limits. */
import type { Rng } from "../../src/core/rng.js";

const LIMITS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One to four changes of a good file. */
export function mutated(good: Uint8Array, rng: Rng): Uint8Array {
  let bytes = good.slice();
  for (let change = 1 + rng.int(4); change > 0 && bytes.length > 0; change--) {
    // The front, where headers are, deserves half of the damage.
    const at = rng.int(rng.int(2) === 0 ? bytes.length : Math.min(bytes.length, 200));
    const other = rng.int(bytes.length);
    switch (rng.int(8)) {
      case 0:
        bytes[at] = rng.int(256);
        break;
      case 1:
        bytes[at] ^= 1 << rng.int(8);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(other, other + 64), ...bytes.subarray(at)]);
        break;
      case 4:
        bytes.copyWithin(at, other, other + 1 + rng.int(32));
        break;
      case 5:
        if (at + 4 <= bytes.length) {
          new DataView(bytes.buffer).setUint32(at, LIMITS[rng.int(LIMITS.length)], rng.int(2) === 0);
        }
        break;
      case 6:
        bytes = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + rng.int(8))]);
        break;
      default: {
        const digit = bytes.findIndex((byte, i) => i >= at && byte >= 0x30 && byte <= 0x39);
        if (digit >= 0) bytes[digit] = 0x30 + rng.int(10);
      }
    }
  }
  return bytes;
}
