/** @file What a process holds open: files, threads, sockets, servers and child processes. For test/setup.ts. */
import { readdirSync, readlinkSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import workerThreads, { type Worker } from "node:worker_threads";

/** Where Linux lists the open files of a process. */
export const DESCRIPTORS = "/proc/self/fd";
/** Kinds of {@link process.getActiveResourcesInfo} that somebody has to close. */
const KINDS = [
  "FSEventWrap",
  "PipeServerWrap",
  "ProcessWrap",
  "StatWatcher",
  "TCPServerWrap",
  "TCPSocketWrap",
  "UDPWrap",
];
/**
 * Milliseconds that closing may take, on a machine that does other work; connections that are kept for others are let
 * go after seconds.
 */
const PATIENCE = 20_000;

// A test may put its own in their places.
const { setImmediate, setTimeout } = globalThis;

/** Files that are open, by descriptor; none where the system does not list them. */
export function openFiles(): Map<string, string> {
  const found = new Map<string, string>();
  let names: string[] = [];
  try {
    names = readdirSync(DESCRIPTORS);
  } catch {
    // No Linux: other systems' runs watch the rest.
  }
  for (const name of names) {
    try {
      const target = readlinkSync(path.join(DESCRIPTORS, name));
      if (target.startsWith("/") && !/^\/(?:dev|proc|sys)\//.test(target)) found.set(`${name} ${target}`, target);
    } catch {
      // The descriptor of the list itself.
    }
  }
  return found;
}

/** Where all files that share this process find the threads. */
const WATCHED = Symbol.for("coarsegrad.test.threads");

/** Threads that live, from the first call on; the system tells of none that keeps no process alive. */
export function liveThreads(): ReadonlySet<Worker> {
  const shared = globalThis as { [WATCHED]?: Set<Worker> };
  const threads = shared[WATCHED] ?? new Set<Worker>();
  if (shared[WATCHED] === undefined) {
    shared[WATCHED] = threads;
    const { Worker } = workerThreads;
    workerThreads.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        threads.add(this);
        this.once("exit", () => threads.delete(this));
      }
    };
    syncBuiltinESMExports();
  }
  return threads;
}

/** How many handles of each kind are open. */
export function openHandles(): Map<string, number> {
  const found = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (KINDS.includes(kind)) found.set(kind, (found.get(kind) ?? 0) + 1);
  }
  return found;
}

/** What is open now and was not `before`: words for each. */
export interface Opened {
  readonly files: ReadonlyMap<string, string>;
  readonly threads: number;
  readonly handles: ReadonlyMap<string, number>;
}

/** What is open. */
export function opened(): Opened {
  return { files: openFiles(), threads: liveThreads().size, handles: openHandles() };
}

/** Files that were opened since and are open still, once what is being closed has been. */
export async function filesSince(before: Opened["files"], patience = PATIENCE): Promise<string[]> {
  const extra = (): string[] => [...openFiles()].filter(([key]) => !before.has(key)).map(([, name]) => name);
  return await settled(extra, patience);
}

/** Everything that was opened since and is open still, in words. */
export async function openedSince(before: Opened, patience = PATIENCE): Promise<string[]> {
  const extra = (): string[] => {
    const more = [...openHandles()].filter(([kind, count]) => count > (before.handles.get(kind) ?? 0));
    const workers = liveThreads().size - before.threads;
    return [...more.map(([kind]) => kind), ...(workers > 0 ? [`${workers} threads`] : [])];
  };
  return await settled(extra, patience);
}

async function settled(extra: () => string[], patience: number): Promise<string[]> {
  const start = performance.now();
  let left = extra();
  for (let turn = 0; left.length > 0 && performance.now() - start < patience; turn++) {
    await new Promise<void>((resolve) => (turn < 50 ? setImmediate(resolve) : setTimeout(resolve, 10)));
    left = extra();
  }
  return left;
}
