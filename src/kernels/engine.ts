/** @file The engine: the heap and the kernel tables that arrays of each dtype run on. Made lazily; `init` chooses. */
import {
  above,
  callable,
  check,
  checkOptions,
  either,
  flag,
  integer,
  type OptionRules,
  oneOf,
  record,
} from "../core/checks.js";
import type { DType } from "../core/dtype.js";
import { ArgumentError, ScopeError } from "../core/errors.js";
import type { Allocator } from "../memory/allocator.js";
import type { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import type { KernelSource } from "./source.js";
import { type Backend, compiled, type Engine, type SyncOptions, start, startLater, type Variant } from "./starting.js";
import type { RelaxedOptions, ThreadOptions } from "./threads/options.js";
import { instantiateKernels } from "./wasm.js";

export type { Backend, InitOptions, SyncOptions, Variant } from "./starting.js";

/** Live figures of the heap; see {@link memory}. */
export interface MemoryInfo {
  /** Arrays that are alive. */
  arrays: number;
  /** Bytes of the blocks that they hold. */
  bytes: number;
  /** Largest `bytes` so far, or since `resetPeakMemory()`. */
  peakBytes: number;
  /** Bytes taken from the heap, in use or kept for reuse. */
  reservedBytes: number;
}

/** What any form of {@link init} takes. */
interface AnyOptions extends Omit<Partial<ThreadOptions>, "backend"> {
  backend?: Backend | "auto";
  module?: WebAssembly.Module;
}

const AUTO = oneOf("auto");
const OPTIONS: OptionRules<AnyOptions> = {
  backend: oneOf("auto", "wasm", "reference"),
  module: (value) => (isModule(value) ? null : "a WebAssembly.Module"),
  threads: either(integer(1, 64), AUTO),
  relaxed: either(flag, oneOf("auto", "never")),
  createWorker: callable,
  threadTimeout: above(0),
};

/** True for a compiled module of any realm. */
function isModule(value: unknown): value is WebAssembly.Module {
  try {
    WebAssembly.Module.imports(value as WebAssembly.Module);
    return true;
  } catch {
    return false;
  }
}

let engine: Engine | null = null;
let source: KernelSource | null = null;

/**
 * Says which kernels the engine starts with. A complete set takes the place of a part, also while that runs: on the
 * same heap, so that what is alive stays. Called by whatever makes arrays, before the first one.
 */
export function provideKernels(offered: KernelSource): void {
  if (source === offered || source?.complete) return;
  source = offered;
  if (engine === null) return;
  const { heap } = engine.allocator;
  const all =
    heap.memory === null ? offered.reference(heap, "f32") : instantiateKernels(heap, compiled(offered, engine.variant));
  // The complete set's relaxed variant would have to be loaded first: what was asked for stays for the part.
  const f32 = engine.variant === "relaxed" ? { ...all, ...engine.f32 } : all;
  engine = { ...engine, f32, f64: offered.reference(heap, "f64"), source: offered };
}

function replace(next: Engine, options: AnyOptions): Backend {
  engine?.stop?.();
  engine = next;
  asked = options;
  return backendOf(next);
}

function backendOf({ variant }: Engine): Backend {
  return variant === "reference" ? "reference" : "wasm";
}

/** What the running engine was asked for by {@link init}; null for the default one. */
let asked: AnyOptions | null = null;

/** True if arrays live on an engine that was asked for in the same words: a second `init` leaves it as it is. */
function isRunning(options: AnyOptions): boolean {
  const names = Object.keys(OPTIONS) as (keyof AnyOptions)[];
  return engine !== null && engine.allocator.arrays > 0 && names.every((name) => options[name] === asked?.[name]);
}

function expectNoArrays(): void {
  if (engine === null || engine.allocator.arrays === 0) return;
  throw new ScopeError({
    op: "init",
    what: "arrays of the running backend are alive",
    expected: "none",
    got: `${engine.allocator.arrays}`,
    hint: "call init() first, or dispose of them",
  });
}

function get(): Engine {
  engine ??= start(source, {});
  return engine;
}

/**
 * Chooses the backend, the number of threads and the variant of the kernels. Optional: the first array starts the
 * default one, a single thread. May be called again while no array is alive; threads of the engine before are ended.
 * While arrays live, a call with the same options leaves what runs as it is: handlers of a server may each begin with it.
 *
 * With `threads` or `relaxed` it is asynchronous, because workers and further kernels are: the engine changes when the
 * promise is fulfilled. Several threads need shared memory: Node has it, a page must be cross-origin isolated. Results
 * have the same bits with any number of threads. On a page's main thread, which must not sleep, waiting for the other
 * threads keeps the processor busy; train in a Web Worker if that matters. With `relaxed` results no longer have the
 * same bits everywhere.
 *
 * @returns the backend; a promise of it if `threads` or `relaxed` is given
 * @throws ScopeError if arrays of the running backend are alive; ArgumentError on an unknown or unavailable backend, a
 * bad number of threads, or `relaxed: true` where the engine has no relaxed SIMD; ThreadError if threads are asked for
 * by number where memory cannot be shared, or a worker does not start; MemoryError if the engine has no addresses for
 * WebAssembly memory
 * @example
 * init({ backend: "reference" });
 * await init({ threads: "auto" });
 * await init({ relaxed: "auto", threads: 2 });
 */
export function init(options: ThreadOptions | RelaxedOptions): Promise<Backend>;
export function init(options?: SyncOptions): Backend;
export function init(options: ThreadOptions | RelaxedOptions | SyncOptions = {}): Backend | Promise<Backend> {
  check("init", "options", options, record);
  if (options.threads !== undefined || options.relaxed !== undefined) return initLater(options);
  const own = options as AnyOptions;
  checkOptions("init", own, OPTIONS);
  if (isRunning(own)) return backend();
  expectNoArrays();
  return replace(start(source, options), { ...own });
}

async function initLater(options: ThreadOptions | RelaxedOptions): Promise<Backend> {
  const own = options as AnyOptions;
  checkOptions("init", own, OPTIONS);
  if (isRunning(own)) return backend();
  expectNoArrays();
  if ("module" in options || !["auto", "wasm"].includes(options.backend ?? "auto")) {
    throw new ArgumentError({
      op: "init",
      what: "threads and relaxed do not go with these options",
      expected: "neither module nor the reference backend",
      got: Object.keys(options).join(", "),
    });
  }
  const next = await startLater(source, options);
  try {
    // Meanwhile another call may have started the same, and arrays may have been made.
    if (isRunning(own)) {
      next.stop?.();
      return backend();
    }
    expectNoArrays();
  } catch (error) {
    next.stop?.();
    throw error;
  }
  return replace(next, { ...own });
}

/** Threads that kernels run on, the calling one included. */
export function threads(): number {
  return get().threads;
}

/** The backend that f32 arrays run on; starts the default one if none is running. */
export function backend(): Backend {
  return backendOf(get());
}

/** The variant of the kernels that f32 arrays run on; starts the default one if none is running. */
export function variant(): Variant {
  return get().variant;
}

/** The allocator of the running engine. */
export function allocator(): Allocator {
  return get().allocator;
}

/** The heap of the running engine. */
export function heap(): Heap {
  return get().allocator.heap;
}

/** The kernels that compute in `dtype`: f64 always runs on the reference twins; integers and bytes go with f32. */
export function kernelsFor(dtype: DType): Kernels {
  return dtype === "f64" ? get().f64 : get().f32;
}

/**
 * Puts what `wrap` makes of the running engine's f32 kernels in their place, until the engine changes or the returned
 * function is called. For measuring where time goes.
 */
export function instrumentKernels(wrap: (kernels: Kernels) => Kernels): () => void {
  const running = get();
  const instrumented = { ...running, f32: wrap(running.f32) };
  engine = instrumented;
  return () => {
    if (engine === instrumented) engine = running;
  };
}

/** Counts an array that was made (+1) or disposed of (−1). */
export function countArray(change: 1 | -1): void {
  get().allocator.arrays += change;
}

/** Live counts and bytes of the heap. */
export function memory(): MemoryInfo {
  if (engine === null) return { arrays: 0, bytes: 0, peakBytes: 0, reservedBytes: 0 };
  const { allocator } = engine;
  return {
    arrays: allocator.arrays,
    bytes: allocator.liveBytes,
    peakBytes: allocator.peakBytes,
    reservedBytes: allocator.reservedBytes,
  };
}

/** Starts a new peak at the present number of live bytes. */
export function resetPeakMemory(): void {
  engine?.allocator.resetPeak();
}
