/** @file A sweep's folder: runs by the hash of their configuration, links to them by name, and what they start from. */
import { copyFile, lstat, mkdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { DataError } from "../core/errors.js";
import { exists, saveFileAtomic, temporaryName } from "../node/files.js";
import { jobFolder } from "./job.js";
import type { ResolvedPlan } from "./resolve.js";
import type { SweepResult } from "./results.js";

/** Names of what a sweep writes besides its runs. */
export const SWEEP_FILES = { results: "sweep-results.jsonl", report: "report.html" } as const;

/** Makes the folder and keeps the files that runs start from in it. @throws DataError if it cannot be written */
export async function prepareFolder(out: string, { files }: ResolvedPlan): Promise<void> {
  try {
    await mkdir(path.join(out, "jobs"), { recursive: true });
    for (const [own, file] of files) {
      const place = path.join(out, own);
      if (await exists(place)) continue;
      await mkdir(path.dirname(place), { recursive: true });
      const fresh = path.join(path.dirname(place), temporaryName(path.basename(place)));
      await (typeof file === "string" ? copyFile(file, fresh) : writeFile(fresh, file));
      await rename(fresh, place);
    }
  } catch (error) {
    throw new DataError({ op: out, what: "cannot be written", got: (error as Error).message });
  }
}

/**
 * Links a run's name to its folder, in place of an earlier link.
 *
 * @returns the path of the run by its name; by its hash where there can be no links, or something else has the name
 */
export async function linkRun(out: string, name: string, id: string): Promise<string> {
  const folder = path.join(out, jobFolder(id));
  const link = path.join(out, ...name.split("/"));
  const target = path.relative(path.dirname(link), folder);
  try {
    await mkdir(path.dirname(link), { recursive: true });
    const info = await lstat(link).catch(() => null);
    if (info !== null && !info.isSymbolicLink()) return folder;
    if (info !== null && (await readlink(link)) === target) return link;
    if (info !== null) await rm(link, { force: true });
    await symlink(target, link, "dir");
    return link;
  } catch {
    return folder;
  }
}

/** Writes a line for each run. */
export async function writeResults(out: string, results: readonly SweepResult[]): Promise<void> {
  const text = results.map((result) => `${JSON.stringify(result)}\n`).join("");
  await saveFileAtomic(path.join(out, SWEEP_FILES.results), text);
}
