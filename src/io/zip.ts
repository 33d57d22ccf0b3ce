/** @file Archives in ZIP's format of at most 4 GB: their members, by the directory at the end. */
import type { FormatError } from "../core/errors.js";
import { crc32 } from "./checksum.js";
import { inflate } from "./inflate.js";

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const END64_BYTES = 56;
const LOCATOR64_BYTES = 20;
/** Values that say "see the ZIP64 record", which is not read. */
const ESCAPE = 0xffffffff;

/** Makes the error of a reader. */
export type ZipFail = (what: string, expected: string, got: string, hint?: string) => FormatError;

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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const within = (what: string, at: number, length: number, limit = bytes.length): void => {
    if (at + length > limit) throw fail(what, `${at + length} bytes`, `${limit}`);
  };
  const end = endOf(view);
  if (end < 0) throw fail(`not a ${kind} archive`, "an end record of a ZIP file", "none", hint);
  const [disk, count] = [view.getUint32(end + 4, true), view.getUint16(end + 10, true)];
  if (disk !== 0 || view.getUint16(end + 8, true) !== count) throw fail("archive on several disks", "one", "more");
  let at = view.getUint32(end + 16, true);
  if (at === ESCAPE || count === 0xffff) throw fail("ZIP64 archive", "at most 4 GB and 65534 members", "more");
  const last = at + view.getUint32(end + 12, true);
  if (last !== end && !holds64(view, last, end)) throw fail("directory", "one that ends at the end record", `${at}`);
  for (let i = 0; i < count; i++) {
    within("truncated directory", at, CENTRAL_BYTES, last);
    if (view.getUint32(at, true) !== CENTRAL) throw fail(`directory entry ${i}`, "its signature", "another");
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const [checksum, packed, size] = [16, 20, 24].map((offset) => view.getUint32(at + offset, true));
    const [nameBytes, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const local = view.getUint32(at + 42, true);
    within("truncated directory", at, CENTRAL_BYTES + nameBytes + extra + comment, last);
    const name = new TextDecoder().decode(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes));
    at += CENTRAL_BYTES + nameBytes + extra + comment;
    const refuse = (what: string, expected: string, got: string): never => {
      throw fail(`"${name}": ${what}`, expected, got);
    };
    if ((flags & 1) !== 0) refuse("encryption", "none", "encrypted");
    if (method !== 0 && method !== 8) refuse("compression", "stored (0) or deflate (8)", `${method}`);
    if ([packed, size, local].includes(ESCAPE)) refuse("ZIP64 member", "at most 4 GB", "more");
    within(`"${name}": truncated`, local, LOCAL_BYTES);
    if (view.getUint32(local, true) !== LOCAL) refuse("local header", "its signature", "another");
    const start = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    within(`"${name}": truncated`, start, packed);
    if (method === 0 && packed !== size) refuse("size", `${packed} bytes`, `${size}`);
    const contents = (): Uint8Array => {
      const raw = bytes.subarray(start, start + packed);
      const unpacked = method === 0 ? raw : inflate(raw, size, `${file}: "${name}"`);
      const own = crc32(unpacked);
      return own === checksum ? unpacked : refuse("checksum", `${checksum}`, `${own}`);
    };
    yield { name, stored: method === 0, size, contents };
  }
  if (at !== last) throw fail("directory", `${count} entries up to ${last}`, `${at}`);
}

/** Where the end record begins: the last one whose comment ends with the file; −1 if there is none. */
function endOf(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - END_BYTES - 0xffff);
  for (let at = view.byteLength - END_BYTES; at >= lowest; at--) {
    if (view.getUint32(at, true) !== END) continue;
    if (at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  return -1;
}

/** Whether ZIP64's records alone lie between directory and end: some writers write them always. */
function holds64(view: DataView, from: number, end: number): boolean {
  const locator = end - LOCATOR64_BYTES;
  if (from + END64_BYTES > locator) return false;
  const length = view.getBigUint64(from + 4, true);
  return (
    view.getUint32(from, true) === END64 &&
    view.getUint32(locator, true) === LOCATOR64 &&
    BigInt(from + 12) + length === BigInt(locator)
  );
}
