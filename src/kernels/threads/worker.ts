/** @file Starting a worker where there is a way to: Web Workers in browsers, worker_threads in Node. */
import { ThreadError } from "../../core/errors.js";
import type { WorkerLike } from "./options.js";

interface NodeProcess {
  getBuiltinModule?(name: string): unknown;
}

/**
 * A module of Node's own, without importing it: a bundle for browsers must not mention it. Null elsewhere and before
 * Node 20.16.
 */
function nodeModule<T>(name: string): T | null {
  const { process } = globalThis as { process?: NodeProcess };
  return (process?.getBuiltinModule?.(name) as T | undefined) ?? null;
}

/** Processors that this process may use. */
export function processors(): number {
  const os = nodeModule<{ availableParallelism(): number }>("node:os");
  if (os !== null) return os.availableParallelism();
  return (globalThis.navigator as Navigator | undefined)?.hardwareConcurrency ?? 1;
}

/** Starts a worker by the platform's own means. @throws ThreadError where there is none */
export function startWorker(source: string): WorkerLike {
  if (typeof Worker === "function") {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(url, { type: "module", name: "coarsegrad" });
    worker.addEventListener("message", () => URL.revokeObjectURL(url), { once: true });
    return worker;
  }
  type Constructor = new (source: string, options: object) => WorkerLike;
  const threads = nodeModule<{ Worker: Constructor }>("node:worker_threads");
  if (threads !== null) return new threads.Worker(source, { eval: true, name: "coarsegrad" });
  throw new ThreadError({
    op: "init",
    what: "no way to start a worker here",
    expected: "a global Worker, or Node 20.16 or newer",
    got: "neither",
    hint: "give init() a createWorker function, or leave threads out",
  });
}

/** Why several threads cannot share memory here, or null if they can. */
export function sharingObstacle(): string | null {
  if (typeof SharedArrayBuffer === "function" && globalThis.crossOriginIsolated !== false) return null;
  return typeof globalThis.crossOriginIsolated === "boolean"
    ? "the page is not cross-origin isolated"
    : "SharedArrayBuffer is missing";
}
