/**
 * @file The directory at the end of an archive in ZIP's format (PKWARE's APPNOTE): what members there are and where
 * they begin. It is read from the end of the file alone.
 */
import type { FormatError } from "../core/errors.js";

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const END64_BYTES = 56;
const LOCATOR64_BYTES = 20;
/** Values that say "see the ZIP64 record", of which the number of members alone is read. */
const ESCAPE = 0xffffffff;
const ESCAPE16 = 0xffff;

/** Bytes of a member's own header, before its name. */
export const LOCAL_BYTES = 30;
/** Bytes at the end of an archive that the end record is among. */
export const ZIP_TAIL = LOCATOR64_BYTES + END64_BYTES + END_BYTES + 0xffff;

/** Makes the error of a reader. */
export type ZipFail = (what: string, expected: string, got: string, hint?: string) => FormatError;

/** What the directory says of a member. */
export interface ZipEntry {
  readonly name: string;
  /** Stored as it is, not compressed. */
  readonly stored: boolean;
  /** Bytes in the archive, and unpacked. */
  readonly packed: number;
  readonly size: number;
  /** CRC-32 of the contents. */
  readonly checksum: number;
  /** Where its own header begins. */
  readonly local: number;
}

/** The last bytes of an archive. */
export interface ZipTail {
  readonly bytes: Uint8Array;
  /** Where in the archive they begin. */
  readonly start: number;
}

/** Where the directory lies, and how many members it has. */
export interface ZipPlace {
  readonly begin: number;
  readonly end: number;
  readonly count: number;
  /** What the count begins anew after: old writers have 16 bits for it. */
  readonly modulus: number;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/**
 * Finds the directory.
 *
 * @param tail at least {@link ZIP_TAIL} bytes, or the whole archive
 * @param kind of file, in words, for what is no archive
 * @throws FormatError by `fail`: no archive, several disks, more than 4 GB
 */
export function zipPlace({ bytes, start }: ZipTail, kind: string, fail: ZipFail, hint?: string): ZipPlace {
  const view = viewOf(bytes);
  const end = endOf(view);
  if (end < 0) throw fail(`not a ${kind} archive`, "an end record of a ZIP file", "none", hint);
  const [disk, count] = [view.getUint32(end + 4, true), view.getUint16(end + 10, true)];
  if (disk !== 0 || view.getUint16(end + 8, true) !== count) throw fail("archive on several disks", "one", "more");
  const begin = view.getUint32(end + 16, true);
  if (begin === ESCAPE) throw fail("ZIP64 archive", "at most 4 GB", "more");
  const last = begin + view.getUint32(end + 12, true);
  if (last === start + end) return { begin, end: last, count, modulus: 2 ** 16 };
  const own = last < start ? null : count64(view, last - start, end);
  if (own === null) throw fail("directory", "one that ends at the end record", `${begin}`);
  return { begin, end: last, count: count === ESCAPE16 ? own : count, modulus: Number.POSITIVE_INFINITY };
}

/**
 * Walks the directory.
 *
 * @param tail bytes from the directory's beginning on, or from before it
 * @param length bytes of the whole archive
 * @throws FormatError by `fail`: encryption, compression other than deflate, ZIP64 sizes, places outside the file
 */
export function* zipEntries(
  { bytes, start }: ZipTail,
  length: number,
  { begin, end, count, modulus }: ZipPlace,
  fail: ZipFail,
): Generator<ZipEntry> {
  const view = viewOf(bytes);
  const last = end - start;
  const within = (what: string, at: number, size: number, limit: number): void => {
    if (at + size > limit) throw fail(what, `${at + size} bytes`, `${limit}`);
  };
  let at = begin - start;
  let i = 0;
  // A count that began anew is that of one of several numbers: the directory's end says which.
  for (; i < count || (modulus < Number.POSITIVE_INFINITY && at < last); i++) {
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
    within(`"${name}": truncated`, local, LOCAL_BYTES, length);
    if (method === 0 && packed !== size) refuse("size", `${packed} bytes`, `${size}`);
    yield { name, stored: method === 0, packed, size, checksum, local };
  }
  if (at !== last || i % modulus !== count) throw fail("directory", `${count} entries up to ${end}`, `${start + at}`);
}

/**
 * Where a member's contents begin.
 *
 * @param header its own header, {@link LOCAL_BYTES} bytes
 * @throws FormatError by `fail`: no such header, or contents beyond the archive's end
 */
export function zipContents(header: Uint8Array, { name, local, packed }: ZipEntry, length: number, fail: ZipFail) {
  const view = viewOf(header);
  if (view.getUint32(0, true) !== LOCAL) throw fail(`"${name}": local header`, "its signature", "another");
  const at = local + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (at + packed > length) throw fail(`"${name}": truncated`, `${at + packed} bytes`, `${length}`);
  return at;
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

/** The number of members if ZIP64's records alone lie between directory and end; some writers write them always. */
function count64(view: DataView, from: number, end: number): number | null {
  const locator = end - LOCATOR64_BYTES;
  if (from < 0 || from + END64_BYTES > locator) return null;
  const length = Number(view.getBigUint64(from + 4, true));
  const whole =
    view.getUint32(from, true) === END64 &&
    view.getUint32(locator, true) === LOCATOR64 &&
    from + 12 + length === locator;
  return whole ? Number(view.getBigUint64(from + 32, true)) : null;
}
