/** @file The outer side: calls go to a worker, results come back as promises. */
import { check, type Rule, record, text } from "../core/checks.js";
import { isPlainObject } from "../core/containers.js";
import { DISPOSE } from "../core/dispose.js";
import { ThreadError } from "../core/errors.js";
import { errorOf, failureOf, type Place, type Reply, type Request, type WorkerPort } from "./port.js";
import { transferred } from "./transfer.js";

/** Functions by name. */
export type Handlers = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A worker that serves `H`. */
export interface Connection<H extends Handlers> extends Disposable {
  /**
   * Calls a function of the worker.
   *
   * Arguments and results are copied as `structuredClone` copies, or handed over where `transfer` marked them. A
   * function that is an argument, or a property of one, is called back on this side with what the worker's code gives
   * it; nothing is returned to the worker. An AbortSignal in such a place is followed.
   *
   * @returns what the function returns, or what its promise is fulfilled with
   * @throws what the function throws: errors of the library with their class and fields; what a function among the
   *   arguments throws; ArgumentError for tensors; ThreadError if the worker ends before it answers
   */
  call<Name extends keyof H & string>(name: Name, ...args: Parameters<H[Name]>): Promise<Awaited<ReturnType<H[Name]>>>;
  /** Ends the worker; calls that wait fail with a ThreadError. A second call does nothing. */
  terminate(): void;
}

interface Waiting {
  readonly functions: readonly ((...args: unknown[]) => unknown)[];
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

const aWorker: Rule = (value) =>
  typeof value === "object" && value !== null && typeof (value as WorkerPort).postMessage === "function"
    ? null
    : "a Worker";

const isSignal = (value: unknown): value is AbortSignal =>
  record(value) === null && typeof (value as Partial<AbortSignal>).throwIfAborted === "function";

/** Takes what cannot be copied out of arguments. */
function parted<T>(args: unknown[], is: (value: unknown) => value is T): { values: T[]; places: Place[] } {
  const values: T[] = [];
  const places: Place[] = [];
  for (const [i, argument] of args.entries()) {
    const take = (value: unknown, key: string | null): boolean => {
      if (!is(value)) return false;
      values.push(value);
      places.push([i, key]);
      return true;
    };
    if (take(argument, null)) args[i] = undefined;
    else if (isPlainObject(argument)) {
      args[i] = Object.fromEntries(Object.entries(argument).filter(([key, value]) => !take(value, key)));
    }
  }
  return { values, places };
}

/**
 * Connects with a worker whose code calls `serve`.
 *
 * @param worker a Web Worker, or a `Worker` of node:worker_threads
 * @throws ArgumentError for what is no worker
 * @example
 * const worker = connect<typeof handlers>(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
 * const label = await worker.call("predict", pixels);
 */
export function connect<H extends Handlers>(worker: WorkerPort): Connection<H> {
  check("connect", "worker", worker, aWorker);
  const waiting = new Map<number, Waiting>();
  let ended: ThreadError | null = null;
  let last = 0;

  const end = (got: string): void => {
    ended ??= new ThreadError({ op: "worker", what: "ended before it answered", expected: "a live worker", got });
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  const receive = (reply: Reply): void => {
    const call = waiting.get(reply?.id);
    if (call === undefined) return;
    if ("told" in reply) {
      try {
        call.functions[reply.told](...reply.args);
      } catch (error) {
        call.reject(error);
      }
      return;
    }
    if ("failure" in reply) call.reject(errorOf(reply.failure));
    else call.resolve(reply.result);
  };
  if (worker.on !== undefined) {
    worker.on("message", (message) => receive(message as Reply));
    worker.on("error", (cause) => end(failureOf(cause).message));
    worker.on("exit", (code) => end(`exit code ${code}`));
  } else {
    worker.addEventListener?.("message", (event) => receive((event as MessageEvent).data as Reply));
    worker.addEventListener?.("error", (event) => end((event as ErrorEvent).message ?? "an error as it started"));
  }

  function call(name: string, ...given: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      check("call", "name", name, text);
      if (ended !== null) throw ended;
      const id = ++last;
      const args = [...given];
      const isFunction = (value: unknown): value is (...args: unknown[]) => unknown => typeof value === "function";
      const functions = parted(args, isFunction);
      const signals = parted(args, isSignal);
      const request: Request = { id, name, args, functions: functions.places, signals: signals.places };
      // What `given` holds is marked, not the copies without functions.
      worker.postMessage(request, transferred("call", given));
      const abort = signals.values.map((signal, aborted) => () => {
        worker.postMessage({ id, aborted, reason: failureOf(signal.reason) } satisfies Request, []);
      });
      for (const [i, signal] of signals.values.entries()) {
        if (signal.aborted) abort[i]();
        else signal.addEventListener("abort", abort[i]);
      }
      const done = (): void => {
        waiting.delete(id);
        for (const [i, signal] of signals.values.entries()) signal.removeEventListener("abort", abort[i]);
      };
      waiting.set(id, {
        functions: functions.values,
        resolve: (result) => {
          done();
          resolve(result);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
    });
  }
  function terminate(): void {
    end("terminate()");
    worker.terminate();
  }
  return { call: call as Connection<H>["call"], terminate, [DISPOSE]: terminate };
}
