/** @file Puts a run and its files into the store while training goes on. Runs in workers. */
import { write } from "../shell/store.js";
import { fileKey, type RunRecord } from "./record.js";

/** Writes one thing after the other; nobody waits for the store but who writes next. */
export class Keeper {
  readonly #record: RunRecord;
  #writing: Promise<void> = Promise.resolve();

  constructor(record: RunRecord) {
    this.#record = record;
  }

  /**
   * The record as it is now, and a file with it.
   *
   * @throws Error of the write before this one
   */
  async keep(kind?: "checkpoint" | "cgm", bytes?: Uint8Array): Promise<void> {
    await this.#writing;
    const { id } = this.#record;
    this.#writing = write([
      ["runs", id, this.#record],
      ...(kind === undefined ? [] : [["files", fileKey(id, kind), bytes] as const]),
    ]);
    // It is told to who waits for it next.
    this.#writing.catch(() => undefined);
  }

  /** All that was kept is in the store. @throws Error if it could not be */
  settle(): Promise<void> {
    return this.#writing;
  }
}
