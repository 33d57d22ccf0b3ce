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
import { ArgumentError, MemoryError, ScopeError, ThreadError } from "../core/errors.js";
import { Allocator } from "../memory/allocator.js";
import { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import type { KernelSource } from "./source.js";
import type { RelaxedOptions, ThreadOptions } from "./threads/options.js";
import { instantiateKernels, wasmAvailable } from "./wasm.js";

/** Where f32 arithmetic runs: WebAssembly SIMD, or the TypeScript twins (`reference`, some tens of times slower). */
export type Backend = "wasm" | "reference";

/** Which kernels run: WebAssembly with plain SIMD or with relaxed SIMD, or the TypeScript twins. */
export type Variant = "simd" | "relaxed" | "reference";

/** Choices of {@link init}. */
export interface InitOptions {
  /** `auto` (default) takes WebAssembly and falls back to `reference` with a warning where it is forbidden. */
  backend?: Backend | "auto";
  /** A compiled kernel module, for pages whose policy forbids compiling from bytes: `await WebAssembly.compileStreaming(fetch(".../kernels.wasm"))`. */
  module?: WebAssembly.Module;
}

/** What a synchronous {@link init} takes. */
export type SyncOptions = InitOptions & { threads?: undefined; relaxed?: undefined };

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
  relaxed: either(flag, AUTO),
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

interface Engine {
  readonly variant: Variant;
  readonly allocator: Allocator;
  readonly f32: Kernels;
  readonly f64: Kernels;
  /** What the tables were made from. */
  readonly source: KernelSource;
  readonly threads: number;
  /** Ends its threads. */
  readonly stop?: () => void;
  arrays: number;
}

let engine: Engine | null = null;
let source: KernelSource | null = null;

/**
 * Says which kernels the engine starts with. A complete set takes the place of a part, also while that runs: on the same heap, so that what is alive stays.
 * Called by whatever makes arrays, before the first one.
 */
export function provideKernels(offered: KernelSource): void {
  if (source === offered || source?.complete) return;
  source = offered;
  if (engine === null) return;
  const { heap } = engine.allocator;
  const all = heap.memory === null ? offered.reference(heap, "f32") : instantiateKernels(heap, compiled(offered));
  // The complete set's relaxed variant would have to be loaded first: what was asked for stays for the part.
  const f32 = engine.variant === "relaxed" ? { ...all, ...engine.f32 } : all;
  engine = { ...engine, f32, f64: offered.reference(heap, "f64"), source: offered };
}

/** Compiles synchronously. @throws WebAssembly.CompileError where a content policy forbids it */
function compiled({ bytes }: KernelSource): WebAssembly.Module {
  return new WebAssembly.Module(bytes());
}

/** An engine on one thread. */
function engineOn(heap: Heap, variant: Variant, source: KernelSource, f32: Kernels, f64: Kernels): Engine {
  return { variant, allocator: new Allocator(heap), f32, f64, source, threads: 1, arrays: 0 };
}

/** The WebAssembly engine on one thread. @throws MemoryError; ArgumentError if the module is not of kernels */
function startWasm(from: KernelSource, module: WebAssembly.Module, variant: Variant): Engine {
  const heap = new Heap({ wasm: true });
  const f64 = from.reference(heap, "f64");
  return engineOn(heap, variant, from, kernelsOf(module, heap, Object.keys(f64), from.complete), f64);
}

/** The kernels of a module that may be a stranger's. @param complete whether it must have every name, or some */
function kernelsOf(module: WebAssembly.Module, heap: Heap, names: readonly string[], complete: boolean): Kernels {
  const refuse = (got: string): never => {
    const expected = `the kernels of this version: "coarsegrad/kernels.wasm", compiled`;
    throw new ArgumentError({ op: "init", what: "bad module", expected, got });
  };
  const exported = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const missing = names.filter((name) => !exported.has(name));
  if (complete ? missing.length > 0 : missing.length === names.length) refuse(`a module without ${missing[0]}`);
  try {
    return instantiateKernels(heap, module);
  } catch (cause) {
    if (cause instanceof WebAssembly.LinkError || cause instanceof TypeError) return refuse(cause.message);
    throw cause;
  }
}

/** The kernels' module; null where a policy forbids compiling. @throws MemoryError */
function compiledOrNull(from: KernelSource): WebAssembly.Module | null {
  try {
    return compiled(from);
  } catch (cause) {
    if (!(cause instanceof RangeError)) return null;
    const expected = "room for the kernels' code";
    throw new MemoryError({ op: "init", what: "WebAssembly cannot be compiled", expected, got: cause.message });
  }
}

function start(options: InitOptions): Engine {
  if (source === null) throw new ScopeError({ op: "init", what: "internal: no kernels were provided" });
  const wanted = options.backend ?? "auto";
  if (wanted !== "reference" && (options.module !== undefined || wasmAvailable())) {
    // Where memory is missing nothing falls back: the twins would run, tens of times slower, and run out of it too.
    const module = options.module ?? compiledOrNull(source);
    if (module !== null) return startWasm(source, module, "simd");
  }
  if (wanted === "wasm") {
    throw new ArgumentError({
      op: "init",
      what: "WebAssembly with SIMD is not available",
      expected: "an engine that allows it",
      got: "none",
      hint: 'init({ backend: "reference" }) works everywhere, slowly',
    });
  }
  if (wanted === "auto") {
    console.warn(
      "CoarsegradBackendWarning: WebAssembly with SIMD is not available; the reference kernels run, some tens of times slower; " +
        'init({ backend: "reference" }) silences this',
    );
  }
  const heap = new Heap({ wasm: false });
  return engineOn(heap, "reference", source, source.reference(heap, "f32"), source.reference(heap, "f64"));
}

/** Starts what has to be loaded first: several threads, the relaxed variant, or both. */
async function startLater(options: ThreadOptions | RelaxedOptions): Promise<Engine> {
  const from = source;
  if (from === null || (options.threads !== undefined && !from.threads)) {
    throw new ThreadError({
      op: "init",
      what: "the packed runtime has no kernels for several threads",
      expected: "one thread",
      got: `${options.threads}`,
      hint: 'init({ threads }) of "coarsegrad" brings all kernels',
    });
  }
  const { relaxed = false } = options;
  const relaxes = relaxed !== false && (await import("./relaxed.js")).takesRelaxed(relaxed);
  if (typeof relaxes !== "boolean") throw new ArgumentError(relaxes);
  if (options.threads !== undefined) {
    const { startThreads } = await from.threads!();
    const threaded = await startThreads(options, relaxes);
    if (threaded !== null) {
      const f64 = from.reference(threaded.allocator.heap, "f64");
      return { ...threaded, variant: relaxes ? "relaxed" : "simd", f64, source: from, arrays: 0 };
    }
  }
  if (!relaxes) return start({ backend: options.backend });
  return startWasm(from, await WebAssembly.compile(await from.relaxedBytes()), "relaxed");
}

function replace(next: Engine): Backend {
  engine?.stop?.();
  engine = next;
  return backendOf(next);
}

function backendOf({ variant }: Engine): Backend {
  return variant === "reference" ? "reference" : "wasm";
}

function expectNoArrays(): void {
  if (engine === null || engine.arrays === 0) return;
  throw new ScopeError({
    op: "init",
    what: "arrays of the running backend are alive",
    expected: "none",
    got: `${engine.arrays}`,
    hint: "call init() first, or dispose of them",
  });
}

function get(): Engine {
  engine ??= start({});
  return engine;
}

/**
 * Chooses the backend, the number of threads and the variant of the kernels. Optional: the first array starts the default one, a single thread.
 * May be called again while no array is alive; threads of the engine before are ended.
 *
 * With `threads` or `relaxed` it is asynchronous, because workers and further kernels are: the engine changes when the promise is fulfilled.
 * Several threads need shared memory: Node has it, a page must be cross-origin isolated. Results have the same bits with any number of threads. On a
 * page's main thread, which must not sleep, waiting for the other threads keeps the processor busy; train in a Web Worker if that matters.
 * With `relaxed` results no longer have the same bits everywhere.
 *
 * @returns the backend; a promise of it if `threads` or `relaxed` is given
 * @throws ScopeError if arrays of the running backend are alive; ArgumentError on an unknown or unavailable backend, a bad number of
 * threads, or `relaxed: true` where the engine has no relaxed SIMD; ThreadError if threads are asked for by number where memory cannot be shared,
 * or a worker does not start; MemoryError if the engine has no addresses for WebAssembly memory
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
  checkOptions("init", options as AnyOptions, OPTIONS);
  expectNoArrays();
  return replace(start(options));
}

async function initLater(options: ThreadOptions | RelaxedOptions): Promise<Backend> {
  checkOptions("init", options as AnyOptions, OPTIONS);
  expectNoArrays();
  if ("module" in options || !["auto", "wasm"].includes(options.backend ?? "auto")) {
    throw new ArgumentError({
      op: "init",
      what: "threads and relaxed do not go with these options",
      expected: "neither module nor the reference backend",
      got: Object.keys(options).join(", "),
    });
  }
  const next = await startLater(options);
  try {
    expectNoArrays(); // some may have been made meanwhile
  } catch (error) {
    next.stop?.();
    throw error;
  }
  return replace(next);
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
 * Puts what `wrap` makes of the running engine's f32 kernels in their place, until the engine changes or the returned function is called. For
 * measuring where time goes.
 */
export function instrumentKernels(wrap: (kernels: Kernels) => Kernels): () => void {
  const running = get();
  const instrumented = { ...running, f32: wrap(running.f32) };
  engine = instrumented;
  return () => {
    if (engine === instrumented) engine = { ...running, arrays: instrumented.arrays };
  };
}

/** Counts an array that was made (+1) or disposed of (−1). */
export function countArray(change: 1 | -1): void {
  get().arrays += change;
}

/** Live counts and bytes of the heap. */
export function memory(): MemoryInfo {
  if (engine === null) return { arrays: 0, bytes: 0, peakBytes: 0, reservedBytes: 0 };
  const { allocator, arrays } = engine;
  return {
    arrays,
    bytes: allocator.liveBytes,
    peakBytes: allocator.peakBytes,
    reservedBytes: allocator.reservedBytes,
  };
}

/** Starts a new peak at the present number of live bytes. */
export function resetPeakMemory(): void {
  engine?.allocator.resetPeak();
}
