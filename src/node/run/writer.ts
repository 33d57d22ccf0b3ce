/**
 * @file What a process writes of a run: under the lock, into the folder or beside the run that it replaces, and once
 * more if the folder is removed.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { EpochMetrics } from "../../train/metrics.js";
import { exists, saveFileAtomic } from "../files.js";
import { withDigest } from "./config-digest.js";
import { clearTemporaries } from "./leftovers.js";
import { RunLock } from "./lock.js";
import { beginReplacement, decideReplacement, dropReplacement, endReplacement, nextFolder } from "./replacement.js";
import { inFolder, RUN_FILES, type RunFile } from "./run-files.js";

/** The files of a run as this process knows them, and the right to write them. */
export class RunWriter {
  readonly folder: string;
  readonly #warn: (text: string) => void;
  #lock: RunLock | null = null;
  #replacing = false;
  /** What `config.json` holds, once it was written or read. */
  config: unknown;
  /** Bytes of the imported network, once they were written. */
  network: Uint8Array | undefined;
  /** The last checkpoint that was written or read: what is written again if somebody removes the folder. */
  checkpoint: Uint8Array | undefined;
  /** Metrics of the epochs that are complete, as far as they are known. */
  metrics: readonly EpochMetrics[] = [];

  constructor(folder: string, warn: (text: string) => void) {
    this.folder = folder;
    this.#warn = warn;
  }

  /** Whether what is written goes to `.next`: the folder still holds another run. */
  get replacing(): boolean {
    return this.#replacing;
  }
  get locked(): boolean {
    return this.#lock !== null;
  }

  /** The lock; then everything that a killed process left undone is done, or undone. */
  async take(): Promise<void> {
    if (this.#lock !== null) return;
    const { folder } = this;
    this.#lock = await RunLock.acquire(folder);
    try {
      await endReplacement(folder);
      if (await dropReplacement(folder)) {
        this.#warn(
          `${folder}: a run that was to replace this one ended before its first checkpoint; this is the earlier run`,
        );
      }
      await clearTemporaries(folder);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Gives the lock back. Whoever writes again takes it again. */
  release(): void {
    this.#lock?.release();
    this.#lock = null;
  }

  /**
   * Begins a run: beside the one that the folder holds, or in place of what was left of one that never had a
   * checkpoint.
   */
  async begin(config: unknown, network: Uint8Array | undefined, metrics: readonly EpochMetrics[] = []): Promise<void> {
    this.#replacing = await exists(this.#in(this.folder, "checkpoint"));
    this.config = config;
    this.network = network;
    // Of another configuration: not to be written beside this one.
    this.checkpoint = undefined;
    if (this.#replacing) await beginReplacement(this.folder);
    else {
      // Nothing was trained here; without a configuration the folder holds no run, also if this ends halfway.
      await inFolder(this.folder, async () => {
        for (const which of ["config", "summary", "model"] as const) {
          await rm(this.#in(this.folder, which), { force: true });
        }
      });
    }
    if (network !== undefined) await this.write("network", network);
    await this.writeMetrics(metrics);
    await this.writeConfig();
  }

  /**
   * Makes the folder anew, with the last checkpoint, if somebody removed it: hours of training must not be lost for
   * that. Called before every write.
   *
   * @throws DataError if another process took the run over
   */
  async keep(): Promise<void> {
    await this.take();
    const lost = !(await exists(this.folder));
    if (lost) await inFolder(this.folder, () => mkdir(this.folder, { recursive: true }));
    await this.#lock?.confirm();
    if (!lost) return;
    this.#warn(`${this.folder} was removed while the run went on: made anew`);
    this.#replacing = false;
    if (this.network !== undefined) await this.write("network", this.network);
    if (this.config !== undefined) await this.writeConfig();
    await this.writeMetrics(this.metrics);
    if (this.checkpoint !== undefined) await this.write("checkpoint", this.checkpoint);
  }

  /** Writes one of the files. */
  async write(which: RunFile, content: Uint8Array | string): Promise<void> {
    await saveFileAtomic(this.#in(this.#replacing ? nextFolder(this.folder) : this.folder, which), content);
  }
  async writeConfig(): Promise<void> {
    await this.write("config", jsonText(withDigest(this.config)));
  }
  async writeMetrics(rows: readonly EpochMetrics[]): Promise<void> {
    await this.write("metrics", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    this.metrics = rows;
  }
  /** Writes the checkpoint; the first one of a run that replaces another puts it in that one's place. */
  async writeCheckpoint(bytes: Uint8Array): Promise<void> {
    this.checkpoint = bytes;
    await this.keep();
    await this.write("checkpoint", bytes);
    if (!this.#replacing) return;
    await decideReplacement(this.folder);
    this.#replacing = false;
    await endReplacement(this.folder);
  }

  /** Ends the work: a run that did not come to replace the one in the folder goes. */
  async close(): Promise<void> {
    if (this.#replacing) await dropReplacement(this.folder).catch(() => {});
    this.release();
  }

  #in(folder: string, which: RunFile): string {
    return join(folder, RUN_FILES[which]);
  }
}

/** JSON as it stands in the files of a run. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
