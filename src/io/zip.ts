/** @file Archives in ZIP's format of at most 4 GB, in memory: their members, by the directory at the end. */
import { crc32 } from "./checksum.js";
import { inflate } from "./inflate.js";
import { LOCAL_BYTES, type ZipFail, zipContents, zipEntries, zipPlace } from "./zip-directory.js";

export type { ZipFail } from "./zip-directory.js";

/** A member, not yet unpacked. */
export interface ZipMember {
  readonly name: string;
  /** Stored as it is, not compressed. */
  readonly stored: boolean;
  /** Bytes, unpacked. */
  readonly size: number;
  /** Bytes of the member: a view of the archive where it is stored. @throws FormatError: damaged */
  contents(): Uint8Array;
}

/**
 * Walks the directory of an archive.
 *
 * @param kind of file, in words, for what is no archive
 * @throws FormatError by `fail`: no archive, several disks, encryption, compression other than deflate, ZIP64 sizes, places
 * outside the file
 */
export function* zipMembers(
  bytes: Uint8Array,
  file: string,
  kind: string,
  fail: ZipFail,
  hint?: string,
): Generator<ZipMember> {
  const tail = { bytes, start: 0 };
  for (const entry of zipEntries(tail, bytes.length, zipPlace(tail, kind, fail, hint), fail)) {
    const { name, stored, size, packed, checksum, local } = entry;
    const start = zipContents(bytes.subarray(local, local + LOCAL_BYTES), entry, bytes.length, fail);
    const contents = (): Uint8Array => {
      const raw = bytes.subarray(start, start + packed);
      const unpacked = stored ? raw : inflate(raw, size, `${file}: "${name}"`);
      const own = crc32(unpacked);
      if (own !== checksum) throw fail(`"${name}": checksum`, `${checksum}`, `${own}`);
      return unpacked;
    };
    yield { name, stored, size, contents };
  }
}
