/** @file Worker threads that are asked in turn: whoever waits for one that is lost is told so. */
import { parentPort, type Worker } from "node:worker_threads";

/** What a thread says first. */
const LOADED = "loaded";

/** Tells the crew that this thread has its modules: to be called at their end. */
export const sayLoaded = (): void => parentPort?.postMessage(LOADED);

interface Waiting<Result> {
  readonly worker: Worker;
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** What a worker said to a request: its result, or why there is none. */
export type Answer<Result> = { readonly result: Result } | { readonly error: Error };

/** Workers and what is wanted of them. A worker keeps the process alive only while something is. */
export class Crew<Result> {
  readonly #workers: Worker[] = [];
  /** Workers that may be reading their modules yet, and what comes when they have, or are no more. */
  readonly #loading = new Map<Worker, Promise<void>>();
  readonly #waiting = new Map<number, Waiting<Result>>();
  /** What became of workers that are no more. */
  readonly #lost = new Map<Worker, string>();
  readonly #lossOf: (why: string) => Error;
  #next = 0;
  #closing = false;

  /** @param lossOf the error of whoever waits for a worker that was lost */
  constructor(lossOf: (why: string) => Error) {
    this.#lossOf = lossOf;
  }
  get size(): number {
    return this.#workers.length;
  }

  /**
   * Takes a worker in, which has to call {@link sayLoaded}.
   * @param hear told what else it says
   * @param onLost told why it is no more, with the error that others get
   */
  add<Said>(worker: Worker, hear: (message: Said) => void, onLost: (error: Error) => void = () => {}): void {
    this.#workers.push(worker);
    const loading = new Promise<void>((resolve) => {
      worker.on("message", (message) => (message === LOADED ? resolve() : hear(message as Said)));
      worker.once("exit", () => resolve());
    });
    this.#loading.set(worker, loading);
    const lose = (why: string): void => {
      if (!this.#lost.has(worker)) this.#lost.set(worker, why);
      for (const [id, waiting] of this.#waiting) {
        if (waiting.worker !== worker) continue;
        this.#waiting.delete(id);
        waiting.reject(this.#lossOf(why));
      }
      onLost(this.#lossOf(why));
    };
    worker.on("error", (error) => lose(error.message));
    worker.on("exit", (code) => lose(this.#closing ? "was closed" : `ended with code ${code}`));
    worker.unref();
  }

  /** Asks the next worker in turn. @param request the message, with the number that its answer has to bear */
  ask(request: (id: number) => unknown): Promise<Result> {
    const id = this.#next++;
    const worker = this.#workers[id % this.#workers.length];
    const lost = this.#lost.get(worker);
    if (lost !== undefined) return Promise.reject(this.#lossOf(lost));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { worker, resolve, reject });
      worker.ref();
      worker.postMessage(request(id));
    });
  }

  /** Hands an answer to whoever waits for it. */
  settle(worker: Worker, id: number, answer: Answer<Result>): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if ("result" in answer) waiting?.resolve(answer.result);
    else waiting?.reject(answer.error);
    this.rest(worker);
  }
  /** Lets the process end, if nothing is wanted of a worker; one that is being ended is waited for. */
  rest(worker: Worker): void {
    // An answer that was under way when the crew was closed: without its worker nothing would keep a process alive
    // that waits for close(), and it would end in the middle of its program, with code 13.
    if (this.#closing) return;
    if (![...this.#waiting.values()].some((waiting) => waiting.worker === worker)) worker.unref();
  }

  /** Ends the workers. What is still wanted fails. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(
      this.#workers.map(async (worker) => {
        // What a thread reads while it is ended stays open in this process.
        if (!this.#lost.has(worker)) worker.ref();
        await this.#loading.get(worker);
        await worker.terminate();
      }),
    );
  }
}
