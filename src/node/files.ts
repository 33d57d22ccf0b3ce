/** @file Whole files: reading with a clear error, and writing so that a crash leaves the old file or the new one. */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { check, checkBytes, checkOptions, integer, type Rule } from "../core/checks.js";
import { CoarsegradError, DataError } from "../core/errors.js";

/** A path that the operating system takes. */
export const pathRule: Rule = (value) =>
  typeof value === "string" && value !== "" && !value.includes("\0")
    ? null
    : "a path: a string that is not empty, without NUL";

/**
 * Name of a temporary file beside `name`. It says which process writes it, so that what a killed one leaves can be told
 * from what is being written.
 */
export function temporaryName(name: string): string {
  return `.${name}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
}

/**
 * Writes a file so that at every moment, through crashes and power cuts too, `path` holds either its former content or
 * all of the new: a temporary file in the same directory, flushed, renamed over the old one, and the directory flushed.
 * @param path where to write; its directory must exist
 * @param bytes the content
 * @throws DataError if the file cannot be written; the former file is then untouched
 */
export async function saveFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  check("saveFileAtomic", "path", path, pathRule);
  if (typeof bytes !== "string") bytes = checkBytes("saveFileAtomic", "bytes", bytes);
  await saveFilesAtomic([[path, bytes]]);
}

/**
 * Writes files as {@link saveFileAtomic} does, each of which is renamed when all are on disk: where one has no room, or
 * no folder, none of them changes.
 *
 * @throws DataError naming the file that cannot be written
 */
export async function saveFilesAtomic(
  files: readonly (readonly [path: string, content: Uint8Array | string])[],
): Promise<void> {
  const written: [temporary: string, path: string][] = [];
  try {
    for (const [path, content] of files) {
      const temporary = join(dirname(path), temporaryName(basename(path)));
      written.push([temporary, path]);
      await naming(path, () => writeFlushed(temporary, content));
    }
    for (const [temporary, path] of written) await naming(path, () => rename(temporary, path));
  } catch (error) {
    for (const [temporary] of written) await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  for (const directory of new Set(files.map(([path]) => dirname(path)))) await flushDirectory(directory);
}

/** @throws DataError that names the file, whatever `write` fails by */
async function naming(path: string, write: () => Promise<void>): Promise<void> {
  await write().catch((error: Error) => {
    throw new DataError({ op: path, what: "cannot be written", got: error.message });
  });
}

async function writeFlushed(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
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

/** What is read at once, unless a reader allows more: 4 GiB. */
export const MAX_FILE_BYTES = 2 ** 32;

/** Options of {@link readFileBytes}. */
export interface ReadFileOptions {
  /** Bytes that are read at most. @default 2^32 */
  readonly maxBytes?: number;
}

/**
 * Reads a whole file. Only regular files are read: devices, pipes and sockets may never end.
 * @param path the file
 * @returns its bytes
 * @throws DataError naming the file if it cannot be read, is no regular file, or is larger than the limit
 */
export async function readFileBytes(path: string, options: ReadFileOptions = {}): Promise<Uint8Array> {
  check("readFileBytes", "path", path, pathRule);
  checkOptions("readFileBytes", options, { maxBytes: integer(0) });
  const { maxBytes = MAX_FILE_BYTES } = options;
  try {
    const file = await open(path, READING);
    try {
      const info = await file.stat();
      checkFile(path, info, maxBytes);
      // A plain Uint8Array: a Buffer's slice() would share memory.
      const bytes = new Uint8Array(info.size);
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await file.read(bytes, length, Math.min(bytes.length - length, 2 ** 30));
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return length === bytes.length ? bytes : bytes.slice(0, length);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

// Not by following a name twice: what is opened is what is asked for its kind. O_NONBLOCK: a pipe without a writer
// would wait in open().
const READING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

function checkFile(path: string, info: Stats, maxBytes: number): void {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new DataError({ op: path, what, expected, got });
  };
  if (!info.isFile()) refuse("cannot be read", "a regular file", kindOfFile(info));
  if (info.size > maxBytes) refuse("larger than what is read at once", `at most ${maxBytes} bytes`, `${info.size}`);
}

function unreadable(path: string, error: unknown): unknown {
  if (error instanceof CoarsegradError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ENOENT"
    ? new DataError({ op: path, what: "no such file" })
    : new DataError({ op: path, what: "cannot be read", got: message });
}

/** What a file is, in words. */
export function kindOfFile(info: Stats): string {
  if (info.isDirectory()) return "a folder";
  if (info.isSymbolicLink()) return "a link";
  if (info.isFIFO()) return "a pipe";
  if (info.isSocket()) return "a socket";
  return "a device";
}

/** True if `path` is a folder. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
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
