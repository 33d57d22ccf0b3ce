/** @file Files that a command was asked to write: named for what they hold, in folders that are made. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { DataError } from "../../core/errors.js";
import { isFolder, saveFilesAtomic } from "../../node/files.js";
import { UsageError } from "../../run/usage-error.js";

/** Endings of files that commands write or read: such a name says what the file holds. */
const ENDINGS = [
  ".cgm",
  ".onnx",
  ".safetensors",
  ".pt",
  ".pth",
  ".json",
  ".jsonl",
  ".html",
  ".htm",
  ".js",
  ".mjs",
  ".cjs",
  ".c",
  ".h",
];

/** A file that a command is asked to write. */
export interface OutputName {
  /** The option that names it. */
  readonly option: string;
  /** Not given: nothing to check. */
  readonly file: string | undefined;
  /** Endings that are its own, the usual one first. */
  readonly endings: readonly string[];
}

/**
 * Refuses a file named like one of another kind, such as a run's checkpoint, which it would replace, and two outputs of
 * one name. Names without a known ending are free.
 *
 * @throws UsageError
 */
export function checkOutputs(outputs: readonly OutputName[]): void {
  const seen = new Set<string>();
  for (const { option, file, endings } of outputs) {
    if (file === undefined) continue;
    const ending = path.extname(file).toLowerCase();
    if (ENDINGS.includes(ending) && !endings.includes(ending)) {
      const expected = `a name that ends in ${endings.join(", ")}`;
      throw new UsageError({ op: option, what: "named like a file of another kind", expected, got: file });
    }
    const own = path.resolve(file);
    if (seen.has(own)) throw new UsageError({ op: option, what: "written twice", expected: "another name", got: file });
    seen.add(own);
  }
}

/** Makes a folder to write in. @param op what errors name; default: the folder @throws DataError */
export async function makeOutputFolder(folder: string, op = folder): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: Error) => {
    throw new DataError({ op, what: "cannot be written", expected: "a folder to write in", got: error.message });
  });
}

/** A file and what is to be in it. */
export type Output = readonly [file: string, content: Uint8Array | string];

/** Writes a file as a whole, in a folder that is made if it is not there. @throws DataError if it cannot be written */
export async function saveOutput(...output: Output): Promise<void> {
  await saveOutputs([output]);
}

/** Writes files as {@link saveOutput} does: all of them or, if one cannot be written, none. @throws DataError */
export async function saveOutputs(outputs: readonly Output[]): Promise<void> {
  for (const [file] of outputs) {
    await makeOutputFolder(path.dirname(path.resolve(file)), file);
    if (await isFolder(file)) {
      throw new DataError({ op: file, what: "cannot be written", expected: "a file's name", got: "a folder" });
    }
  }
  await saveFilesAtomic(outputs);
}
