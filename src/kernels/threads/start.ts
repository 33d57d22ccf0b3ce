/** @file Several threads: the kernels over shared memory, and the table in which those that can be split are. Loaded only when asked for. */

import type { Allocator } from "../../memory/allocator.js";
import type { Heap } from "../../memory/heap.js";
import type { Kernels } from "../abi.js";
import { bytesOfBase64 } from "../wasm.js";
import { WASM_THREADS_BASE64 } from "../wasm-threads.generated.js";
import type { Crew } from "./chunks.js";
import { Pool } from "./pool.js";
import { RULES } from "./rules.js";
import type { WorkerFactory } from "./worker.js";

/** Kernels that several threads share, and the end of the threads. */
export interface ThreadedKernels {
  readonly kernels: Kernels;
  readonly stop: () => void;
}

type Kernel = (...args: number[]) => number | undefined;

/**
 * Starts a pool over a shared heap.
 *
 * @throws ThreadError if a worker cannot be started
 */
export async function startThreads(
  allocator: Allocator,
  options: { threads: number; createWorker: WorkerFactory; timeout: number },
): Promise<ThreadedKernels> {
  const memory = allocator.heap.memory as WebAssembly.Memory;
  const module = await WebAssembly.compile(bytesOfBase64(WASM_THREADS_BASE64));
  const pool = await Pool.start({ ...options, module, memory });
  return { kernels: tableOf(pool, crewOf(pool, allocator)), stop: () => pool.stop() };
}

function crewOf(pool: Pool, allocator: Allocator): Crew {
  const heap: Heap = allocator.heap;
  return {
    threads: pool.threads,
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
    const rule = RULES[name];
    table[name] =
      rule === undefined
        ? whole
        : (...args) => {
            const returned = rule(args, crew);
            return returned === null ? whole(...args) : returned;
          };
  }
  return table as unknown as Kernels;
}
