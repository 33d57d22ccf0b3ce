/**
 * @file A run that replaces another is gathered in `.next` inside the folder, becomes `.commit` by one rename when it
 * has its first checkpoint, and is moved out from there file by file: before the rename the folder holds the old run,
 * after it the new one, and whoever finds `.commit` ends the move.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { exists, flushDirectory } from "../files.js";
import { inFolder, RUN_FILES, type RunFile } from "./run-files.js";

/** A run that is about to replace the one in the folder. */
const NEXT = ".next";
/** The same, once it is decided. */
const COMMIT = ".commit";
/**
 * Files of a new run in the order in which they leave `.commit`; as long as the configuration is there, none after it
 * has left.
 */
const MOVED: readonly RunFile[] = ["metrics", "checkpoint", "config", "network"];

/** Where a run that replaces another is gathered. */
export function nextFolder(folder: string): string {
  return join(folder, NEXT);
}

/** Begins a replacement. */
export async function beginReplacement(folder: string): Promise<void> {
  await inFolder(folder, () => mkdir(nextFolder(folder), { recursive: true }));
}

/** True while a decided replacement is not at its end. */
export function isDecided(folder: string): Promise<boolean> {
  return exists(join(folder, COMMIT));
}

/** Puts the gathered run in the other's place: from the rename on, the folder holds the new one. */
export async function decideReplacement(folder: string): Promise<void> {
  await inFolder(folder, () => rename(nextFolder(folder), join(folder, COMMIT)));
  await flushDirectory(folder);
}

/** Moves a run out of `.commit`, from wherever an earlier process came to. */
export async function endReplacement(folder: string): Promise<void> {
  const from = join(folder, COMMIT);
  if (!(await exists(from))) return;
  const place = (which: RunFile): string => join(folder, RUN_FILES[which]);
  await inFolder(folder, async () => {
    if (await exists(join(from, RUN_FILES.config))) {
      for (const which of ["summary", "model"] as const) await rm(place(which), { force: true });
      if (!(await exists(join(from, RUN_FILES.network)))) await rm(place("network"), { force: true });
    }
    for (const which of MOVED) {
      const source = join(from, RUN_FILES[which]);
      if (await exists(source)) await rename(source, place(which));
    }
  });
  await flushDirectory(folder);
  await inFolder(folder, () => rm(from, { recursive: true, force: true }));
}

/** Removes a run that never came to replace the other. @returns whether there was one */
export async function dropReplacement(folder: string): Promise<boolean> {
  const next = nextFolder(folder);
  if (!(await exists(next))) return false;
  await inFolder(folder, () => rm(next, { recursive: true, force: true }));
  return true;
}
