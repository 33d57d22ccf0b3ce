/** @file Whole files: reading with a clear error, and writing so that a crash leaves the old file or the new one. */
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../core/errors.js";

/**
 * Name of a temporary file beside `name`. It says which process writes it, so that what a killed one leaves can be told from what is being
 * written.
 */
export function temporaryName(name: string): string {
  return `.${name}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
}

/**
 * Writes a file so that at every moment, through crashes and power cuts too, `path` holds either its former content or all of
 * the new: a temporary file in the same directory, flushed, renamed over the old one, and the directory flushed.
 * @param path where to write; its directory must exist
 * @param bytes the content
 * @throws DataError if the file cannot be written; the former file is then untouched
 */
export async function saveFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, temporaryName(basename(path)));
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new DataError({ op: path, what: "cannot be written", got: (error as Error).message });
  }
  await flushDirectory(directory);
}

/** Makes a rename durable. Where directories cannot be opened (Windows) the file system does so by itself. */
export async function flushDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP"].includes(code)) {
      throw new DataError({ op: directory, what: "cannot be flushed", got: (error as Error).message });
    }
  }
}

/**
 * Reads a whole file.
 * @param path the file
 * @returns its bytes
 * @throws DataError naming the file if it cannot be read
 */
export async function readFileBytes(path: string): Promise<Uint8Array> {
  try {
    // A plain Uint8Array: a Buffer's slice() would share memory.
    const { buffer, byteOffset, byteLength } = await readFile(path);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const what = missing ? "no such file" : "cannot be read";
    throw new DataError({ op: path, what, got: missing ? undefined : (error as Error).message });
  }
}

/** True if `path` is a folder. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** True if something is at `path`. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
