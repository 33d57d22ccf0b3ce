/**
 * @file NumPy's .npz: a ZIP archive of .npy files, stored (`savez`) or deflated (`savez_compressed`). Bytes in, arrays
 * out.
 */
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { crc32 } from "./checksum.js";
import { bytesOf } from "./doors.js";
import { inflate } from "./inflate.js";
import { type NpyFile, openNpy } from "./npy.js";

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
/** Values that say "see the ZIP64 record", which is not read. */
const ESCAPE = 0xffffffff;

/** Arrays by name. */
export interface NpzArrays extends Map<string, NpyFile> {
  /** Members whose elements are no numbers (strings, Python objects), with their type in words. */
  readonly unread: ReadonlyMap<string, string>;
}

/**
 * Reads a .npz archive of at most 4 GB.
 *
 * @param given the whole file
 * @param file its name for messages
 * @returns arrays by name, without `.npy`, in the order of the archive; copies, owned by the caller. Members that hold
 *   strings or objects are in `unread` and do not spoil the others
 * @throws FormatError that names the file and the member: not a ZIP archive, several disks, encryption, another
 *   compression, sizes or checksums that do not fit, members twice, members that are no .npy files, or no array of numbers
 * @example
 * net.loadStateDict(readNpz(bytes)); // numpy.savez("weights.npz", **{name: tensor.numpy() for name, tensor in
 * state.items()})
 */
export function readNpz(given: Uint8Array | ArrayBufferLike, file = "npz"): NpzArrays {
  const bytes = bytesOf("readNpz", given, file);
  const fail = (what: string, expected: string, got: string, hint?: string): never => {
    throw new FormatError({ op: file, what, expected, got, hint });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const within = (what: string, at: number, length: number, limit = bytes.length): void => {
    if (at + length > limit) fail(what, `${at + length} bytes`, `${limit}`);
  };
  const end = endOf(view);
  if (end < 0) return fail("not a .npz archive", "an end record of a ZIP file", "none", "a lone array is a .npy file");
  const [disk, count] = [view.getUint32(end + 4, true), view.getUint16(end + 10, true)];
  if (disk !== 0 || view.getUint16(end + 8, true) !== count) fail("archive on several disks", "one", "more");
  let at = view.getUint32(end + 16, true);
  if (at === ESCAPE || count === 0xffff) fail("ZIP64 archive", "at most 4 GB and 65534 arrays", "more");
  if (at + view.getUint32(end + 12, true) !== end) fail("directory", "one that ends at the end record", `${at}`);
  const arrays = new Map<string, NpyFile>();
  const unread = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    within("truncated directory", at, CENTRAL_BYTES, end);
    if (view.getUint32(at, true) !== CENTRAL) fail(`directory entry ${i}`, "its signature", "another");
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const [checksum, packed, size] = [16, 20, 24].map((offset) => view.getUint32(at + offset, true));
    const [nameBytes, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const local = view.getUint32(at + 42, true);
    within("truncated directory", at, CENTRAL_BYTES + nameBytes + extra + comment, end);
    const member = new TextDecoder().decode(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes));
    at += CENTRAL_BYTES + nameBytes + extra + comment;
    const refuse = (what: string, expected: string, got: string): never => fail(`"${member}": ${what}`, expected, got);
    if ((flags & 1) !== 0) refuse("encryption", "none", "encrypted");
    if (method !== 0 && method !== 8) refuse("compression", "stored (0) or deflate (8)", `${method}`);
    if ([packed, size, local].includes(ESCAPE)) refuse("ZIP64 member", "at most 4 GB", "more");
    within(`"${member}": truncated`, local, LOCAL_BYTES);
    if (view.getUint32(local, true) !== LOCAL) refuse("local header", "its signature", "another");
    const start = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    within(`"${member}": truncated`, start, packed);
    const raw = bytes.subarray(start, start + packed);
    if (method === 0 && packed !== size) refuse("size", `${packed} bytes`, `${size}`);
    const contents = method === 0 ? raw : inflate(raw, size, `${file}: "${member}"`);
    if (crc32(contents) !== checksum) refuse("checksum", `${checksum}`, `${crc32(contents)}`);
    const name = member.replace(/\.npy$/, "");
    if (arrays.has(name) || unread.has(name)) refuse("member", "each name once", "twice");
    const array = openNpy(contents, `${file}: "${member}"`);
    if (typeof array === "string") unread.set(name, array);
    else arrays.set(name, array);
  }
  if (at !== end) fail("directory", `${count} entries up to ${end}`, `${at}`);
  if (arrays.size === 0 && unread.size > 0) {
    const members = [...unread].map(([name, type]) => `${name} (${type})`).join(", ");
    fail("no array of numbers", "one at least", cut(members, 200));
  }
  return Object.assign(arrays, { unread });
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
