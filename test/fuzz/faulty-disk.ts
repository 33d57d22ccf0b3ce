/**
 * @file A disk that fails at its n-th change: full for that one, or dead from there on, as a killed process leaves it.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";

type Work = (...args: unknown[]) => Promise<unknown>;
// The module itself: what imports see of it is brought up to date by `syncBuiltinESMExports`.
const disk = createRequire(import.meta.url)("node:fs/promises") as Record<string, Work>;
const CHANGES = ["rename", "rm", "mkdir", "link"];

/** How the disk fails. */
export type Fault = "full" | "dead";

/**
 * Runs `work` on a disk that fails.
 *
 * @param at the number of the change that fails, from 1; Infinity only counts
 * @returns how many changes were tried, and what `work` threw
 */
export async function onFaultyDisk(at: number, fault: Fault, work: () => Promise<unknown>) {
  const original = { ...disk };
  let changes = 0;
  const change = (): void => {
    changes++;
    if (changes === at || (fault === "dead" && changes > at)) {
      throw Object.assign(new Error(`ENOSPC: no space left on device (change ${changes})`), { code: "ENOSPC" });
    }
  };
  for (const name of CHANGES) {
    disk[name] = async (...args) => {
      // A full disk still takes removals.
      if (name !== "rm" || fault === "dead") change();
      return original[name](...args);
    };
  }
  disk.open = async (...args) => {
    if (args[1] === "r") return original.open(...args);
    change();
    const handle = (await original.open(...args)) as Record<string, Work>;
    for (const name of ["writeFile", "sync"]) {
      const own = handle[name].bind(handle);
      handle[name] = async (...given) => {
        change();
        return own(...given);
      };
    }
    return handle;
  };
  syncBuiltinESMExports();
  let error: unknown = null;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  } finally {
    Object.assign(disk, original);
    syncBuiltinESMExports();
  }
  return { changes, error };
}
