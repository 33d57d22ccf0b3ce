/** @file Reading tar archives (POSIX ustar and GNU): the plain files in them. Bytes in, bytes out. */
import { FormatError } from "../core/errors.js";
import { bytesOf } from "./doors.js";

const BLOCK = 512;

/**
 * Lists the plain files of an (unpacked) tar archive.
 * @param bytes the whole archive
 * @param file name for error messages
 * @returns contents by path, as views of `bytes`; directories, links and attributes are passed over
 * @throws FormatError on a bad header checksum, a bad size, or an archive that ends within a file
 */
export function readTar(bytes: Uint8Array, file = "tar"): Map<string, Uint8Array> {
  bytes = bytesOf("readTar", bytes, file);
  const fail = (what: string, expected: string, got: string) => new FormatError({ op: file, what, expected, got });
  const files = new Map<string, Uint8Array>();
  const text = (at: number, length: number) => {
    const field = bytes.subarray(at, at + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  for (let at = 0; at < bytes.length; ) {
    if (at + BLOCK > bytes.length) throw fail("truncated archive", `a header at ${at}`, `${bytes.length - at} bytes`);
    // A block of zeros ends the archive.
    if (bytes.subarray(at, at + BLOCK).every((byte) => byte === 0)) break;
    // The checksum is the sum of the header's bytes with its own field read as spaces.
    let sum = 8 * 0x20;
    for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += bytes[at + i];
    const stated = text(at + 148, 8).trim();
    if (Number.parseInt(stated, 8) !== sum) throw fail(`bad header at ${at}`, `checksum ${sum.toString(8)}`, stated);
    const octal = text(at + 124, 12).trim();
    const size = Number.parseInt(octal, 8);
    if (!/^[0-7]+$/.test(octal)) throw fail(`bad size at ${at}`, "octal digits", octal);
    const start = at + BLOCK;
    if (start + size > bytes.length) {
      throw fail(`truncated archive in ${text(at, 100)}`, `${size} bytes`, `${bytes.length - start}`);
    }
    const type = bytes[at + 156];
    if (type === 0 || type === 0x30) {
      const prefix = text(at + 257, 5) === "ustar" && bytes[at + 262] === 0 ? text(at + 345, 155) : "";
      const path = prefix === "" ? text(at, 100) : `${prefix}/${text(at, 100)}`;
      files.set(path, bytes.subarray(start, start + size));
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
