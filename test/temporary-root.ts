/**
 * @file The folder that all temporary files of a run of tests are in: in memory where there is room, and gone
 * afterwards, also after a kill.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const PREFIX = "coarsegrad-tests-";
/** Tells processes of a run that they have their folder. */
const VARIABLE = "COARSEGRAD_TEST_FOLDER";
/** Bytes that a folder in memory must have free: a package's install is among the tests. */
const ROOM = 4 * 2 ** 30;
/**
 * Memory as a folder, on Linux: files that are flushed to a disk again and again cost more than all else that is done
 * with them.
 */
const MEMORY = "/dev/shm";

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= ROOM;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes the folders of runs that were killed. */
export function sweep(place: string): void {
  for (const name of readdirSync(place)) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : Number.NaN;
    if (Number.isSafeInteger(pid) && pid > 0 && !isAlive(pid)) {
      rmSync(path.join(place, name), { recursive: true, force: true });
    }
  }
}

/**
 * Makes `os.tmpdir()` of this process and its children a folder of this run; a run inside a run has its folder already.
 */
export function useTemporaryRoot(): void {
  if (process.env[VARIABLE] !== undefined) return;
  const place = existsSync(MEMORY) && hasRoom(MEMORY) ? MEMORY : tmpdir();
  sweep(place);
  const root = path.join(place, `${PREFIX}${process.pid}`);
  mkdirSync(root, { recursive: true });
  Object.assign(process.env, { [VARIABLE]: root, TMPDIR: root, TEMP: root, TMP: root });
  process.on("exit", () => rmSync(root, { recursive: true, force: true }));
}

/** Names of what tests left in the run's folder, apart from what is `known`. */
export function leftBehind(known: readonly string[]): string[] {
  const root = process.env[VARIABLE];
  return root === undefined || !existsSync(root)
    ? []
    : readdirSync(root).filter((name) => name.startsWith("coarsegrad-") && !known.includes(name));
}
