/** @file Files that a command was asked to write: their folders are made. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { DataError } from "../../core/errors.js";
import { saveFileAtomic } from "../../node/files.js";

/** Writes a file as a whole, in a folder that is made if it is not there. @throws DataError if it cannot be written */
export async function saveOutput(file: string, content: Uint8Array | string): Promise<void> {
  const folder = path.dirname(path.resolve(file));
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new DataError({
      op: file,
      what: "cannot be written",
      expected: "a folder to write in",
      got: (error as Error).message,
    });
  }
  await saveFileAtomic(file, content);
}
