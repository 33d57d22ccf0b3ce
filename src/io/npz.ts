/**
 * @file NumPy's .npz: a ZIP archive of .npy files, stored (`savez`) or deflated (`savez_compressed`). Bytes in, arrays
 * out.
 */
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { bytesOf } from "./doors.js";
import { type NpyFile, openNpy } from "./npy.js";
import { type ZipFail, zipMembers } from "./zip.js";

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
  const fail: ZipFail = (what, expected, got, hint) => new FormatError({ op: file, what, expected, got, hint });
  const arrays = new Map<string, NpyFile>();
  const unread = new Map<string, string>();
  for (const member of zipMembers(bytes, file, ".npz", fail, "a lone array is a .npy file")) {
    const contents = member.contents();
    const name = member.name.replace(/\.npy$/, "");
    if (arrays.has(name) || unread.has(name)) throw fail(`"${member.name}": member`, "each name once", "twice");
    const array = openNpy(contents, `${file}: "${member.name}"`);
    if (typeof array === "string") unread.set(name, array);
    else arrays.set(name, array);
  }
  if (arrays.size === 0 && unread.size > 0) {
    const members = [...unread].map(([name, type]) => `${name} (${type})`).join(", ");
    throw fail("no array of numbers", "one at least", cut(members, 200));
  }
  return Object.assign(arrays, { unread });
}
