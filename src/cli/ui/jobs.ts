/** @file Many jobs on one board: how many are done, a bar for each at work, a line for each that ended. */
import type { Progress, ProgressBoard, ProgressMessage } from "./progress.js";

type Step = ProgressMessage["progress"];

/** A board of jobs. */
export class JobBoard {
  readonly #board: ProgressBoard;
  readonly #all: Progress | null;
  readonly #working = new Map<string, { label: string; bar: Progress } | null>();
  #ended = 0;
  #failed = 0;

  /**
   * @param total jobs in all; null where nobody knows
   * @param done jobs that were done before
   */
  constructor(board: ProgressBoard, total: number | null, done = 0) {
    this.#board = board;
    this.#ended = done;
    this.#all = total === null ? null : board.add("all runs", total, done);
    this.#show();
  }

  start(name: string): void {
    this.#working.set(name, null);
    this.#show();
  }

  /** How far the command is that a job is at; a job that was not started starts. */
  progress(name: string, { label, done, total, details }: Step): void {
    if (!this.#working.has(name)) this.start(name);
    let current = this.#working.get(name) ?? null;
    if (current?.label !== label) {
      current?.bar.remove();
      // "train 1W4A bcgd" of a run whose name says the rest.
      current = { label, bar: this.#board.add(`${name} ${label.split(" ")[0]}`, total, Math.max(0, done - 1)) };
      this.#working.set(name, current);
    }
    current.bar.update(done, details);
  }

  /** A job is done, or failed; `text` says what came of it. */
  end(name: string, text: string, failed = false): void {
    this.leave(name);
    this.#ended++;
    if (failed) this.#failed++;
    this.#board.line(`${name}: ${text}`);
    this.#show();
  }

  /** A job is left as it is. */
  leave(name: string): void {
    this.#working.get(name)?.bar.remove();
    this.#working.delete(name);
  }

  stop(): void {
    for (const name of [...this.#working.keys()]) this.leave(name);
    this.#all?.stop();
    this.#board.stop();
  }

  #show(): void {
    const words = [
      `${this.#working.size} at work`,
      `${this.#ended - this.#failed} done`,
      ...(this.#failed > 0 ? [`${this.#failed} not`] : []),
    ];
    this.#all?.update(this.#ended, words.join(", "));
  }
}
