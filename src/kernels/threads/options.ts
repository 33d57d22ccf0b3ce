/**
 * @file What init() is told about threads and the relaxed variant. Types only: the code behind them is loaded when it
 * is asked for.
 */

/** What the pool needs of a worker: a Web Worker has it, and Node's `Worker` from node:worker_threads too. */
export interface WorkerLike {
  /** Sends a message to the worker. */
  postMessage(message: unknown): void;
  /** Ends the worker. */
  terminate(): unknown;
  /** Web Workers. */
  addEventListener?(type: string, listener: (event: Event) => void): void;
  /** Node's workers. */
  on?(type: string, listener: (value: unknown) => void): unknown;
  /** Node's workers: lets the process end while the worker waits for work. */
  unref?(): void;
}

/** Starts a worker that runs a script given as text. */
export type WorkerFactory = (source: string) => WorkerLike;

/** Choices of `init` for several threads. */
export interface ThreadOptions {
  /**
   * 1 … 64, the calling thread included; "auto": one for each processor, or a single one with a warning where that is
   * not possible.
   */
  threads: number | "auto";
  /** Several threads always run on WebAssembly: the reference kernels know one. */
  backend?: "auto" | "wasm";
  /** As in {@link RelaxedOptions}. */
  relaxed?: boolean | "auto" | "never";
  /** Starts a worker that runs the given script; for pages whose policy forbids workers from `blob:` addresses. */
  createWorker?: WorkerFactory;
  /** Milliseconds without any progress after which a worker counts as lost; default 20,000. */
  threadTimeout?: number;
}

/** Choices of `init` for kernels with relaxed SIMD, on one thread; {@link ThreadOptions} for several. */
export interface RelaxedOptions {
  /**
   * `true`: kernels that use relaxed SIMD everywhere, which are faster and give up the promise of equal bits: where the
   * processor can, it rounds a product and its sum once, not twice. An error where the engine has no relaxed SIMD;
   * `"auto"`: the plain kernels there. `false`, the default: relaxed SIMD where the engine has it, but only in products
   * of integers, which are exact. `"never"`: plain SIMD alone, to compare with.
   */
  relaxed: boolean | "auto" | "never";
  /** As for the default kernels. */
  threads?: undefined;
  /** Relaxed kernels are WebAssembly. */
  backend?: "auto" | "wasm";
}
