/**
 * @file Files of `torch.save` before 1.6: pickles of a magic number, a version, the machine, the checkpoint and its
 * storages' keys; then each storage, the count of its elements first.
 */

import { describe } from "../core/checks.js";
import { isMap } from "../core/containers.js";
import { cut } from "../core/printable.js";
import { LEGACY_MAGIC } from "./foreign-weights.js";
import { type PickleReader, readPickleAt } from "./pickle.js";
import type { FindStorage, StorageBytes } from "./pytorch-tensors.js";

const VERSION = 1001;
/** Of the count in front of each storage. */
const COUNT_BYTES = 8;

/** A storage that the pickle named, and its place once that is known. */
class Place implements StorageBytes {
  readonly count: number;
  readonly size: number;
  bytes: Uint8Array | undefined;

  constructor(count: number, bytesEach: number) {
    this.count = count;
    this.size = count * bytesEach;
  }
  contents(): Uint8Array {
    return this.bytes as Uint8Array;
  }
}

/**
 * What the file's pickle holds, with the storages behind it.
 *
 * @param bytes a file that begins with {@link LEGACY_MAGIC}
 * @param readerOf the reader of the pickle; it asks for storages, whose contents are known once this returns
 * @throws FormatError by the reader: damage, another version or byte order, storages that are missing or too many
 */
export function readLegacy(bytes: Uint8Array, readerOf: (find: FindStorage) => PickleReader): unknown {
  const places = new Map<string, Place>();
  const reader = readerOf((key, count, bytesEach) => {
    const place = places.get(key) ?? new Place(count, bytesEach);
    const size = count * bytesEach;
    if (place.count !== count || place.size !== size) {
      throw fail(`storage ${cut(key, 40)}`, `${place.count} elements, ${place.size} bytes`, `${count}, ${size}`);
    }
    places.set(key, place);
    return place;
  });
  const fail = (what: string, expected: string, got: string): Error => reader.fail(what, expected, got);
  let at = LEGACY_MAGIC.length;
  const next = (): unknown => {
    const { value, end } = readPickleAt(bytes, at, reader);
    at = end;
    return value;
  };
  const version = next();
  if (version !== VERSION) throw fail("version of torch.save", `${VERSION}`, describe(version));
  const machine = next();
  const little = isMap(machine) ? machine.get("little_endian") : undefined;
  if (little !== true) throw fail("byte order", "little", little === false ? "big" : describe(little));
  const root = next();
  const keys = next();
  if (!Array.isArray(keys)) throw fail("keys of storages", "a list", describe(keys));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const place = places.get(key);
    const name = `storage ${cut(String(key), 40)}`;
    if (place === undefined || place.bytes !== undefined) {
      throw fail(name, "each storage of the pickle once", place === undefined ? "one that it does not name" : "twice");
    }
    const end = at + COUNT_BYTES + place.size;
    if (end > bytes.length) throw fail(name, `${end} bytes`, `a file of ${bytes.length}`);
    const count = view.getBigUint64(at, true);
    if (count !== BigInt(place.count)) throw fail(name, `${place.count} elements`, `${count}`);
    place.bytes = bytes.subarray(at + COUNT_BYTES, end);
    at = end;
  }
  const missing = [...places].find(([, place]) => place.bytes === undefined);
  if (missing !== undefined) throw fail(`storage ${cut(missing[0], 40)}`, "one in the file", "none");
  if (at !== bytes.length) throw fail("end", `${at} bytes`, `${bytes.length}`);
  return root;
}
