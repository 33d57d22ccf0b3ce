/** @file The lock of a run's folder: one process writes at a time, and a dead one's lock is taken over. */
import { randomBytes } from "node:crypto";
import { lstatSync, readFileSync, unlinkSync } from "node:fs";
import { link, lstat, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DataError } from "../../core/errors.js";
import { isRecord, readJson } from "../../io/json.js";
import { kindOfFile, readFileBytes, temporaryName } from "../files.js";
import { type ProcessIdentity, stateOf, thisProcess } from "./process.js";

/** Name of the lock in the folder. */
export const LOCK_FILE = "run.lock";

interface Holder extends ProcessIdentity {
  /** When the lock was taken, ISO 8601. */
  readonly since: string;
  /** Tells this lock from every other. */
  readonly token: string;
}

/** Locks of this process that are not released: the end of the process is one event for all of them. */
const held = new Set<RunLock>();
const releaseAll = (): void => {
  for (const lock of held) lock.release();
};

/** Milliseconds that a lock may take from its creation to its last byte. */
const WRITING = 1000;
const WAIT = 20;
/** Bytes that no lock has. */
const MOST_BYTES = 65_536;

/**
 * The right to write into a run's folder.
 *
 * The file `run.lock` names the process that holds it. It is created exclusively, so that of two processes one gets it;
 * it goes when it is released and when the process ends in any way that lets it act; after any other end the next
 * process finds that the holder is gone and takes it over. A lock that the same process took earlier is taken over too:
 * the earlier holder finds out at its next write.
 */
export class RunLock {
  readonly #folder: string;
  readonly #text: string;

  private constructor(folder: string, text: string) {
    this.#folder = folder;
    this.#text = text;
  }

  /**
   * Takes the lock.
   *
   * @param folder it must exist
   * @throws DataError that names the process that holds it, or if the folder cannot be written
   */
  static async acquire(folder: string): Promise<RunLock> {
    const path = join(folder, LOCK_FILE);
    const holder: Holder = {
      ...thisProcess(),
      since: new Date().toISOString(),
      token: randomBytes(8).toString("hex"),
    };
    const lock = new RunLock(folder, `${JSON.stringify(holder)}\n`);
    let unreadable = 0;
    while (!(await lock.#create())) {
      const text = await textOf(path);
      if (text === null) continue;
      const other = holderOf(text);
      // Its writer is between the creation and the last byte, or was killed there.
      if (other === null && unreadable++ < WRITING / WAIT) {
        await sleep(WAIT);
        continue;
      }
      if (other !== null && other.pid !== process.pid) refuseUnlessGone(folder, other);
      else if (other !== null && stateOf(other) === "unknown") refuse(folder, other);
      await removeStale(folder, text);
    }
    if (held.size === 0) process.on("exit", releaseAll);
    held.add(lock);
    return lock;
  }

  /** Creates the file. @returns false if there is one */
  async #create(): Promise<boolean> {
    const path = join(this.#folder, LOCK_FILE);
    try {
      const file = await open(path, "wx");
      try {
        await file.writeFile(this.#text);
      } catch (error) {
        await rm(path, { force: true }).catch(() => {});
        throw error;
      } finally {
        await file.close();
      }
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw new DataError({
        op: this.#folder,
        what: "cannot be written",
        expected: "a folder that this user may write to",
        got: (error as Error).message,
      });
    }
  }

  /**
   * Makes sure that the lock is still this one, before a write; makes it anew if the folder lost it.
   *
   * @throws DataError if another process holds it by now
   */
  async confirm(): Promise<void> {
    for (;;) {
      const text = await textOf(join(this.#folder, LOCK_FILE));
      if (text === this.#text) return;
      if (text === null) {
        if (await this.#create()) return;
        continue;
      }
      const other = holderOf(text);
      throw new DataError({
        op: this.#folder,
        what: "another process took this run over",
        expected: "one at a time",
        got: other === null ? "a lock that is not of this process" : holderText(other),
        hint: "nothing more is written",
      });
    }
  }

  /** Gives the lock back, if it is still this one. A second call does nothing. */
  release(): void {
    if (!held.delete(this)) return;
    if (held.size === 0) process.off("exit", releaseAll);
    try {
      const path = join(this.#folder, LOCK_FILE);
      if (lstatSync(path).isFile() && readFileSync(path, "utf8") === this.#text) unlinkSync(path);
    } catch {
      // The folder is gone, or nothing can be written any more: the next process finds a lock of a dead one.
    }
  }
}

/**
 * Who is writing a run: a living process of this machine (`here`), one of another machine or container, of which
 * nothing can be told (`elsewhere`), or nobody.
 *
 * @throws DataError if something else has the lock's name
 */
export async function writerOf(folder: string): Promise<"here" | "elsewhere" | null> {
  const holder = holderOf((await textOf(join(folder, LOCK_FILE))) ?? "");
  const state = holder === null ? "gone" : stateOf(holder);
  return state === "gone" ? null : state === "alive" ? "here" : "elsewhere";
}

/** Takes the lock of a process of another machine away. If it lives after all, it stops at its next write. */
export async function takeOver(folder: string): Promise<void> {
  const text = await textOf(join(folder, LOCK_FILE));
  const holder = text === null ? null : holderOf(text);
  if (text !== null && holder !== null && stateOf(holder) === "unknown") await removeStale(folder, text);
}

/**
 * What a lock holds; null if there is none by now.
 *
 * @throws DataError if something else has its name: a folder, a pipe, a link that leads nowhere can be neither read nor
 * taken over
 */
async function textOf(path: string): Promise<string | null> {
  const info = await lstat(path).catch(() => null);
  if (info === null) return null;
  const refuse = (got: string): never => {
    const hint = "no run made it; remove it";
    throw new DataError({ op: path, what: "is not the lock of a run", expected: "a file", got, hint });
  };
  if (!info.isFile()) refuse(kindOfFile(info));
  if (info.size > MOST_BYTES) refuse(`${info.size} bytes`);
  try {
    return new TextDecoder().decode(await readFileBytes(path));
  } catch (error) {
    if ((await lstat(path).catch(() => null)) === null) return null;
    throw error;
  }
}

function holderOf(text: string): Holder | null {
  try {
    const value: unknown = readJson(text, "run.lock", "");
    if (!isRecord(value)) return null;
    const { pid, host, since, token, start, boot, namespace } = value;
    const strings = [host, since, token].every((field) => typeof field === "string");
    const optional = [boot, namespace].every((field) => field === undefined || typeof field === "string");
    const good = strings && optional && Number.isSafeInteger(pid) && (start === undefined || Number.isFinite(start));
    return good && (pid as number) > 0 ? (value as unknown as Holder) : null;
  } catch {
    return null;
  }
}

function holderText({ pid, host, since }: Holder): string {
  return `process ${pid} on ${JSON.stringify(host).slice(1, -1)} since ${JSON.stringify(since).slice(1, -1)}`;
}

function refuseUnlessGone(folder: string, other: Holder): void {
  if (stateOf(other) !== "gone") refuse(folder, other);
}

function refuse(folder: string, other: Holder): never {
  const unknown = stateOf(other) === "unknown";
  throw new DataError({
    op: folder,
    what: "another process is writing this run",
    expected: "one at a time",
    got: holderText(other),
    hint: unknown
      ? `that process cannot be seen from here; if it is gone, remove ${join(folder, LOCK_FILE)}`
      : "wait for it or stop it; --out chooses another folder",
  });
}

/**
 * Removes the lock that holds `text`, and no other: between its reading and now another process may have taken it over.
 */
async function removeStale(folder: string, text: string): Promise<void> {
  const path = join(folder, LOCK_FILE);
  const aside = join(folder, temporaryName(LOCK_FILE));
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw new DataError({ op: path, what: "cannot be taken over", got: (error as Error).message });
  }
  if ((await textOf(aside)) !== text) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
