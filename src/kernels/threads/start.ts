/**
 * @file Several threads: the kernels over shared memory, and the table in which those that can be split are. Loaded
 * only when asked for.
 */

import { ArgumentError, ThreadError } from "../../core/errors.js";
import { Allocator } from "../../memory/allocator.js";
import { Heap } from "../../memory/heap.js";
import type { KernelName, Kernels } from "../abi.js";
import type { Variant } from "../starting.js";
import { bytesOfText, relaxIntegers, wasmAvailable } from "../wasm.js";
import { type Crew, GRAIN } from "./chunks.js";
import type { ThreadOptions } from "./options.js";
import { Pool } from "./pool.js";
import { ruleOf } from "./rules.js";
import { processors, sharingObstacle, startWorker } from "./worker.js";

/** Most threads that may be asked for. */
const MOST_THREADS = 64;
const TIMEOUT = 20_000;

/** Kernels that several threads share, over a heap of their own. */
export interface ThreadedKernels {
  readonly threads: number;
  readonly allocator: Allocator;
  readonly f32: Kernels;
  /** Ends the threads. */
  readonly stop: () => void;
}

type Kernel = (...args: number[]) => number | undefined;

/** Bytes of the module over shared memory. */
async function moduleBytes(variant: Variant): Promise<Uint8Array<ArrayBuffer>> {
  if (variant === "relaxed") return bytesOfText((await import("../wasm-relaxed-threads.generated.js")).WASM_TEXT);
  const bytes = bytesOfText((await import("../wasm-threads.generated.js")).WASM_TEXT);
  return variant === "simd" ? bytes : relaxIntegers(bytes);
}

/**
 * Starts a shared heap and a pool.
 *
 * @param variant of the kernels, which must be available
 * @returns null if one thread is what was asked for, or what "auto" amounts to here
 * @throws ArgumentError on a bad number; ThreadError if memory cannot be shared or a worker does not start and threads
 * were asked for by number
 */
export async function startThreads(options: ThreadOptions, variant: Variant): Promise<ThreadedKernels | null> {
  const threads = threadCount(options.threads);
  if (threads === 1 || !wasmAvailable()) return null;
  try {
    expectSharing();
    const module = await WebAssembly.compile(await moduleBytes(variant));
    const heap = new Heap({ wasm: true, shared: true });
    const memory = heap.memory as WebAssembly.Memory;
    const { createWorker = startWorker, threadTimeout: timeout = TIMEOUT } = options;
    const pool = await Pool.start({ threads, module, memory, createWorker, timeout });
    const allocator = new Allocator(heap);
    return { threads, allocator, f32: tableOf(pool, crewOf(pool, allocator)), stop: () => pool.stop() };
  } catch (cause) {
    if (options.threads !== "auto") throw cause;
    console.warn(`CoarsegradThreadsWarning: running on one thread. ${(cause as Error).message}`);
    return null;
  }
}

function threadCount(threads: number | "auto"): number {
  if (threads === "auto") return Math.min(MOST_THREADS, processors());
  if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return threads;
  throw new ArgumentError({
    op: "init",
    what: "number of threads",
    expected: `1 … ${MOST_THREADS} or "auto"`,
    got: `${threads}`,
  });
}

function expectSharing(): void {
  const obstacle = sharingObstacle();
  if (obstacle === null) return;
  throw new ThreadError({
    op: "init",
    what: "threads cannot share memory",
    expected: "SharedArrayBuffer in a cross-origin isolated page",
    got: obstacle,
    hint: "serve the page with the headers cross-origin-opener-policy: same-origin and cross-origin-embedder-policy: require-corp",
  });
}

function crewOf(pool: Pool, allocator: Allocator): Crew {
  const { heap } = allocator;
  return {
    threads: pool.threads,
    grain: GRAIN,
    run: (kernel, calls, work) => pool.run(kernel, calls, work),
    ints: (ptr, length) => heap.i32(ptr, length).slice(),
    i32: (ptr, length) => heap.i32(ptr, length),
    f32: (ptr, length) => heap.f32(ptr, length),
    f64: (ptr, length) => heap.f64(ptr, length),
    scratch: (bytes, fn) => {
      const ptr = allocator.allocate(bytes);
      try {
        return fn(ptr);
      } finally {
        allocator.free(ptr, bytes);
      }
    },
    whole: (name) => pool.kernel(name),
  };
}

/** The ABI's table: a kernel with a rule runs in parts where that is worth it. */
function tableOf(pool: Pool, crew: Crew): Kernels {
  const table: Record<string, Kernel> = {};
  for (const name of pool.names) {
    const whole = pool.kernel(name);
    const rule = ruleOf(name as KernelName);
    table[name] =
      rule === null
        ? whole
        : (...args) => {
            const returned = rule(args, crew);
            return returned === null ? whole(...args) : returned;
          };
  }
  return table as unknown as Kernels;
}
