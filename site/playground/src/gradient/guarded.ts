/** @file The worker as the page calls it: one that takes too long is ended, and another one begun. */
import { type Connection, connect } from "coarsegrad/worker";
import type { GradientHandlers } from "./worker.js";

/** Milliseconds that a call may take. */
const PATIENCE = 4000;

/** Calls of the worker. */
export class GuardedWorker {
  #worker: Connection<GradientHandlers> | null = null;
  #own: string | null = null;

  async #started(): Promise<Connection<GradientHandlers>> {
    if (this.#worker === null) {
      this.#worker = connect<GradientHandlers>(new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));
      if (this.#own !== null) await this.#worker.call("own", this.#own);
    }
    return this.#worker;
  }

  /** Calls a function of the worker. @throws what it throws; Error if it takes too long */
  async call<K extends keyof GradientHandlers>(
    name: K,
    ...args: Parameters<GradientHandlers[K]>
  ): Promise<Awaited<ReturnType<GradientHandlers[K]>>> {
    const worker = await this.#started();
    let timer = 0;
    const late = new Promise<never>((_, reject) => {
      timer = window.setTimeout(() => {
        reject(new Error(`It took longer than ${PATIENCE / 1000} seconds and was stopped.`));
        worker.terminate();
        if (this.#worker === worker) this.#worker = null;
      }, PATIENCE);
    });
    try {
      const answer = (worker.call as (...all: unknown[]) => Promise<unknown>)(name, ...args);
      answer.catch(() => undefined);
      return (await Promise.race([answer, late])) as Awaited<ReturnType<GradientHandlers[K]>>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes a proxy of one's own; another worker gets it too. @throws Error if it is none */
  async own(code: string): Promise<void> {
    this.#own = null;
    await this.call("own", code);
    this.#own = code;
  }
}
