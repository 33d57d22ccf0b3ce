/**
 * @file The thread pool: workers, the queue of calls that they share with the calling thread, and the end of waiting
 * when one is lost.
 */
import { CoarsegradError, ThreadError } from "../../core/errors.js";
import * as control from "./control.js";
import type { WorkerFactory, WorkerLike } from "./options.js";
import { WORKER_SOURCE } from "./worker-source.js";

/** Milliseconds that the calling thread spins for the others before it sleeps, where it may sleep. */
const SPIN_MS = 0.05;
/** Longest nap; a notification ends it sooner. */
const NAP_MS = 100;
/** Milliseconds that workers have to start. */
const START_MS = 30_000;

/** What all threads run on. */
export interface ThreadPoolOptions {
  /** Threads in all, the calling one included; at least 2. */
  threads: number;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  createWorker: WorkerFactory;
  /** Milliseconds without any call finishing after which a worker counts as lost. */
  timeout: number;
}

/** The workspace argument of a kernel: every thread gets its own, `stride` bytes apart. */
export interface Workspace {
  readonly argument: number;
  readonly stride: number;
}

type Kernel = (...args: number[]) => number | undefined;

/** Whether this thread may sleep in Atomics.wait: a browser's main thread may not. */
function maySleep(words: Int32Array): boolean {
  try {
    return Atomics.wait(words, control.STOP, 1, 0) === "not-equal";
  } catch {
    return false;
  }
}

/** Runs calls of kernels on several threads, the calling one among them. Made by {@link Pool.start}. */
export class Pool {
  readonly threads: number;
  readonly #kernels: readonly Kernel[];
  readonly #index: ReadonlyMap<string, number>;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #timeout: number;
  readonly #sleeps: boolean;
  #workers: WorkerLike[] = [];
  #failure: ThreadError | null = null;

  private constructor({ threads, module, memory, timeout }: ThreadPoolOptions) {
    const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<string, unknown>;
    this.threads = threads;
    this.#kernels = Object.values(exports) as Kernel[];
    this.#index = new Map(Object.keys(exports).map((name, i) => [name, i]));
    const block = new SharedArrayBuffer(control.CONTROL_BYTES);
    this.#words = new Int32Array(block);
    this.#numbers = new Float64Array(block);
    this.#timeout = timeout;
    this.#sleeps = maySleep(this.#words);
  }

  /** Starts `threads` − 1 workers. @throws ThreadError if one cannot be started */
  static async start(options: ThreadPoolOptions): Promise<Pool> {
    const pool = new Pool(options);
    const { module, memory } = options;
    try {
      const ready: Promise<void>[] = [];
      for (let number = 1; number < options.threads; number++) {
        const worker = options.createWorker(WORKER_SOURCE);
        pool.#workers.push(worker);
        const started = pool.#watch(worker);
        started.catch(() => undefined); // nobody waits for it if a later worker fails first
        ready.push(started);
        worker.postMessage({ module, memory, block: pool.#words.buffer, number });
      }
      await Promise.all(ready);
    } catch (cause) {
      pool.stop();
      if (cause instanceof CoarsegradError) throw cause;
      throw startError(`${(cause as Error)?.message ?? cause}`);
    }
    for (const worker of pool.#workers) worker.unref?.();
    return pool;
  }

  /** Listens to a worker: resolves when it is ready, and marks the pool as failed when it ends by itself. */
  #watch(worker: WorkerLike): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(startError(`none after ${START_MS / 1000} s`)), START_MS);
      const lost = (why: string): void => {
        clearTimeout(timer);
        reject(startError(why));
        if (this.#workers.includes(worker)) this.#fail("a worker ended", "a live worker", why);
      };
      const ready = (): void => {
        clearTimeout(timer);
        resolve();
      };
      if (worker.on !== undefined) {
        worker.on("message", ready);
        worker.on("error", (error) => lost((error as Error).message));
        worker.on("exit", (code) => lost(`exit code ${code}`));
      } else {
        worker.addEventListener?.("message", ready);
        worker.addEventListener?.("error", (event) => lost((event as ErrorEvent).message || "it could not be loaded"));
      }
    });
  }

  /** Stops for good: a worker that is not trusted any more must not write into the heap. */
  #fail(what: string, expected: string, got: string): ThreadError {
    this.#failure ??= new ThreadError({
      op: "threads",
      what,
      expected,
      got,
      hint: "results since the last step are lost; dispose of all arrays and call init() again",
    });
    this.stop();
    return this.#failure;
  }

  /** Ends the workers. A second call does nothing. */
  stop(): void {
    const workers = this.#workers;
    this.#workers = [];
    Atomics.store(this.#words, control.STOP, 1);
    Atomics.notify(this.#words, control.LIMIT);
    for (const worker of workers) worker.terminate();
  }

  /** A kernel of the module, to be called on this thread alone. */
  kernel(name: string): Kernel {
    return this.#kernels[this.#index.get(name) as number];
  }

  /** Names of all kernels. */
  get names(): Iterable<string> {
    return this.#index.keys();
  }

  /**
   * Calls a kernel with each of the argument lists, on all threads, and returns when all calls have. They must not
   * write what another one reads or writes.
   *
   * @returns what they returned, in order
   * @throws ThreadError if a worker is lost, a kernel throws, or the pool has failed before
   */
  run(name: string, calls: readonly (readonly number[])[], work: Workspace | null = null): number[] {
    if (this.#failure !== null) throw this.#failure;
    const kernel = this.#index.get(name) as number;
    const results: number[] = [];
    for (let start = 0; start < calls.length; start += control.MAX_CALLS) {
      const part = calls.slice(start, start + control.MAX_CALLS);
      this.#publish(kernel, part, work);
      const thrown = this.#takeCalls(kernel, part);
      this.#join(part.length);
      if (thrown !== null) throw thrown;
      for (let i = 0; i < part.length; i++) results.push(this.#numbers[control.RESULTS + i]);
    }
    return results;
  }

  #publish(kernel: number, calls: readonly (readonly number[])[], work: Workspace | null): void {
    const words = this.#words;
    const limit = words[control.LIMIT];
    calls.forEach((list, i) => {
      this.#numbers.set(list, control.ARGUMENTS + i * control.MAX_ARGUMENTS);
    });
    words[control.KERNEL] = kernel;
    words[control.BASE] = limit;
    words[control.COUNT] = calls.length;
    words[control.ARITY] = calls[0].length;
    words[control.WORK] = work?.argument ?? -1;
    words[control.WORK_STRIDE] = work?.stride ?? 0;
    Atomics.store(words, control.DONE, 0);
    Atomics.store(words, control.LIMIT, (limit + calls.length) | 0);
    if (calls.length > 1 && Atomics.load(words, control.SLEEPERS) > 0) {
      Atomics.notify(words, control.LIMIT, calls.length - 1);
    }
  }

  /** Works through the queue until it is empty. @returns what a kernel threw here, once all calls are taken */
  #takeCalls(kernel: number, calls: readonly (readonly number[])[]): Error | null {
    const words = this.#words;
    let thrown: Error | null = null;
    for (;;) {
      const next = Atomics.load(words, control.NEXT);
      if (next === words[control.LIMIT]) return thrown;
      if (Atomics.compareExchange(words, control.NEXT, next, (next + 1) | 0) !== next) continue;
      const index = (next - words[control.BASE]) | 0;
      try {
        this.#numbers[control.RESULTS + index] = this.#kernels[kernel](...calls[index]) ?? 0;
      } catch (error) {
        thrown = error as Error;
      }
      Atomics.add(words, control.DONE, 1);
    }
  }

  /** Waits for the calls that other threads took: spins a little, then sleeps, but never past the time-out. */
  #join(count: number): void {
    const words = this.#words;
    let done = Atomics.load(words, control.DONE);
    let since = 0; // when `done` last changed
    let started = 0;
    while (done < count) {
      for (let i = 0; i < 64 && Atomics.load(words, control.DONE) === done; i++);
      const now = performance.now();
      if (started === 0) started = now;
      const before = done;
      done = Atomics.load(words, control.DONE);
      if (since === 0 || done !== before) since = now;
      if (done >= count) break;
      if (now - since > this.#timeout) {
        const got = `${done} of ${count} calls after ${Math.round(this.#timeout)} ms`;
        throw this.#fail("a worker does not answer", `${count} finished calls`, got);
      }
      if (this.#sleeps && now - started > SPIN_MS) {
        Atomics.wait(words, control.DONE, done, Math.min(NAP_MS, this.#timeout));
        done = Atomics.load(words, control.DONE);
        if (done !== before) since = performance.now();
      }
    }
    const failed = Atomics.load(words, control.FAILED);
    if (failed !== 0) throw this.#fail("a kernel threw", "none", `an exception in worker ${failed}`);
  }
}

function startError(got: string): ThreadError {
  return new ThreadError({
    op: "init",
    what: "a worker did not start",
    expected: "a worker that runs a script from memory",
    got,
    hint: "a content security policy must allow worker-src blob:, or give init() a createWorker function; or leave threads out",
  });
}
