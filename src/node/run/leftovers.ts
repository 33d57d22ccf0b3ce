/** @file What killed processes leave in a run's folder: temporary files of saves that never ended. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { runs } from "./process.js";

/** What `saveFileAtomic` writes to before it renames; earlier versions did not say which process it was. */
const TEMPORARY = /^\..+\.(?:(\d{1,10})-)?[0-9a-f]{12}\.tmp$/;
/** Milliseconds after which a temporary file that names no process is nobody's. */
const OLD = 3_600_000;

/**
 * Removes temporary files whose process is gone. Everything else in the folder stays: it is the user's.
 *
 * @param folder of a run, locked
 */
export async function clearTemporaries(folder: string): Promise<void> {
  const started = Date.now() - 1000 * process.uptime();
  for (const name of await readdir(folder).catch(() => [])) {
    const match = TEMPORARY.exec(name);
    if (match === null) continue;
    const path = join(folder, name);
    const written = (await stat(path).catch(() => null))?.mtimeMs;
    if (written === undefined) continue;
    const pid = match[1] === undefined ? null : Number(match[1]);
    // In a container every run may have the same number: what is older than this process is not its own.
    const stale = pid === null ? Date.now() - written > OLD : pid === process.pid ? written < started : !runs(pid);
    if (stale) await rm(path, { force: true }).catch(() => {});
  }
}
