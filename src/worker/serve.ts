/** @file The inner side: functions of a worker that are called from outside. */
import { callable, check, record } from "../core/checks.js";
import { ArgumentError, ThreadError } from "../core/errors.js";
import type { Handlers } from "./connect.js";
import { errorOf, failureOf, type Place, type Reply, type Request } from "./port.js";
import { transferred } from "./transfer.js";

/** A worker's own end of the line: `self` in a Web Worker, `parentPort` of node:worker_threads. */
export interface ServePort {
  /** Sends a message, with memory that is handed over. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  /** How Web Workers are listened to. */
  addEventListener?(type: string, listener: (event: Event) => void): void;
  /** How ports of Node are listened to. */
  on?(type: string, listener: (value: unknown) => void): unknown;
}

/** The end of the line that the platform gives; null outside workers. */
function ownPort(): ServePort | null {
  const { process, WorkerGlobalScope } = globalThis as {
    process?: { getBuiltinModule?(name: string): unknown };
    WorkerGlobalScope?: unknown;
  };
  if (WorkerGlobalScope !== undefined) return globalThis as unknown as ServePort;
  // Without an import: a bundle for browsers must not mention it.
  const threads = process?.getBuiltinModule?.("node:worker_threads") as { parentPort: ServePort | null } | undefined;
  return threads?.parentPort ?? null;
}

/** Puts something where it stood among the arguments. */
function put(args: unknown[], [argument, key]: Place, value: unknown): void {
  if (key === null) args[argument] = value;
  else (args[argument] as Record<string, unknown>)[key] = value;
}

/**
 * Lets functions of this worker be called from outside, by `connect`. To be called before anything is awaited: what is
 * sent earlier would be lost in a Web Worker. Several calls may run at a time where functions are asynchronous.
 *
 * @param handlers functions by name; results are copied, or handed over where `transfer` marked them
 * @param port for MessagePorts, and for Node before 20.16: `parentPort` of node:worker_threads
 * @throws ArgumentError for what are no functions; ThreadError outside workers
 * @example
 * let session;
 * serve({
 *   load: (bytes) => void (session = createSession(bytes)),
 *   predict: (pixels) => session.predict(pixels),
 * });
 */
export function serve(handlers: Handlers, port: ServePort | null = ownPort()): void {
  check("serve", "handlers", handlers, record);
  for (const [name, handler] of Object.entries(handlers)) check("serve", `handler ${name}`, handler, callable);
  if (typeof port?.postMessage !== "function") {
    throw new ThreadError({
      op: "serve",
      what: "no worker runs here",
      expected: "a Web Worker, or a worker of Node 20.16 or newer",
      got: "neither",
      hint: "give it a port: serve(handlers, parentPort)",
    });
  }
  const line = port;
  const signals = new Map<number, AbortController[]>();

  async function answer(request: Request): Promise<void> {
    const { id } = request;
    if ("aborted" in request) {
      signals.get(id)?.[request.aborted].abort(errorOf(request.reason));
      return;
    }
    const send = (reply: Reply, values: readonly unknown[]): void =>
      line.postMessage(reply, transferred(request.name, values));
    try {
      const { name, functions, args: sent } = request;
      const args = [...sent];
      for (const [told, place] of functions.entries()) {
        put(args, place, (...values: unknown[]) => send({ id, told, args: values }, values));
      }
      const controllers = request.signals.map(() => new AbortController());
      for (const [i, place] of request.signals.entries()) put(args, place, controllers[i].signal);
      signals.set(id, controllers);
      if (!Object.hasOwn(handlers, name)) {
        const expected = Object.keys(handlers).join(", ") || "none";
        throw new ArgumentError({ op: "call", what: "unknown function of the worker", expected, got: name });
      }
      const result = await handlers[name](...(args as never[]));
      send({ id, result }, [result]);
    } catch (error) {
      send({ id, failure: failureOf(error) }, []);
    } finally {
      signals.delete(id);
    }
  }
  if (line.on !== undefined) line.on("message", (message) => void answer(message as Request));
  else line.addEventListener?.("message", (event) => void answer((event as MessageEvent).data as Request));
}
