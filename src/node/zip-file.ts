/** @file ZIP archives on disk: the directory, and single members, without the archive in memory. */
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { DataError, FormatError } from "../core/errors.js";
import { crc32 } from "../io/checksum.js";
import {
  LOCAL_BYTES,
  ZIP_TAIL,
  type ZipEntry,
  type ZipFail,
  zipContents,
  zipEntries,
  zipPlace,
} from "../io/zip-directory.js";
import { readPiece } from "./pieces.js";

const inflateAsync = promisify(inflateRaw);

/** An archive that is read piece by piece. */
export class ZipFile {
  readonly file: string;
  /** Bytes of the archive. */
  readonly length: number;
  readonly #handle: FileHandle;
  readonly #fail: ZipFail;

  private constructor(file: string, handle: FileHandle, length: number) {
    this.file = file;
    this.length = length;
    this.#handle = handle;
    this.#fail = (what, expected, got, hint) => new FormatError({ op: file, what, expected, got, hint });
  }

  /** @returns to be closed by the caller @throws DataError if it cannot be read */
  static async open(file: string): Promise<ZipFile> {
    try {
      const handle = await open(file, "r");
      return new ZipFile(file, handle, (await handle.stat()).size);
    } catch (error) {
      throw new DataError({ op: file, what: "cannot be read", got: (error as Error).message });
    }
  }

  /** The members. @throws FormatError: no archive, or none that is read */
  async entries(): Promise<ZipEntry[]> {
    const from = Math.max(0, this.length - ZIP_TAIL);
    const tail = { bytes: await this.#read(from, this.length - from), start: from };
    const place = zipPlace(tail, "ZIP", this.#fail, "fetch the file again");
    // ZIP64's records stand before the end record; the directory alone may be longer than what was read.
    const bytes = await this.#read(place.begin, this.length - place.begin);
    return [...zipEntries({ bytes, start: place.begin }, this.length, place, this.#fail)];
  }

  /**
   * The contents of a member.
   *
   * @param most bytes that it may have
   * @throws FormatError: damaged, or larger
   */
  async contents(entry: ZipEntry, most: number): Promise<Uint8Array> {
    const { name, stored, packed, size, checksum, local } = entry;
    if (Math.max(size, packed) > most) {
      throw this.#fail(`"${name}": larger than what is read`, `at most ${most} bytes`, `${Math.max(size, packed)}`);
    }
    const at = zipContents(await this.#read(local, LOCAL_BYTES), entry, this.length, this.#fail);
    const raw = await this.#read(at, packed);
    const unpacked = stored ? raw : await this.#inflated(raw, entry);
    const own = crc32(unpacked);
    if (unpacked.length !== size) throw this.#fail(`"${name}": size`, `${size} bytes`, `${unpacked.length}`);
    if (own !== checksum) throw this.#fail(`"${name}": checksum`, `${checksum}`, `${own}`);
    return unpacked;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #inflated(raw: Uint8Array, { name, size }: ZipEntry): Promise<Uint8Array> {
    try {
      const { buffer, byteOffset, byteLength } = await inflateAsync(raw, { maxOutputLength: Math.max(1, size) });
      return new Uint8Array(buffer, byteOffset, byteLength);
    } catch (error) {
      throw this.#fail(`"${name}": compressed data`, `a whole stream of ${size} bytes`, (error as Error).message);
    }
  }

  #read(at: number, length: number): Promise<Uint8Array> {
    return readPiece(this.#handle, this.file, new Uint8Array(length), at);
  }
}
