/** @file The engine: the heap and the kernel tables that arrays of each dtype run on. Made lazily; `init` chooses. */
import type { DType } from "../core/dtype.js";
import { ArgumentError, ScopeError, ThreadError } from "../core/errors.js";
import { Allocator } from "../memory/allocator.js";
import { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import type { KernelSource } from "./source.js";
import type { ThreadOptions } from "./threads/options.js";
import { instantiateKernels, wasmAvailable } from "./wasm.js";

/** Where f32 arithmetic runs: WebAssembly SIMD, or the TypeScript twins (`reference`, some tens of times slower). */
export type Backend = "wasm" | "reference";

/** Choices of {@link init}. */
export interface InitOptions {
  /** `auto` (default) takes WebAssembly and falls back to `reference` with a warning where it is forbidden. */
  backend?: Backend | "auto";
  /** A compiled kernel module, for pages whose policy forbids compiling from bytes: `await WebAssembly.compileStreaming(fetch(".../kernels.wasm"))`. */
  module?: WebAssembly.Module;
  /** Look-up products with relaxed SIMD where the engine has it: the same results, sooner. Default true. */
  relaxedSimd?: boolean;
}

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

interface Engine {
  readonly backend: Backend;
  readonly allocator: Allocator;
  readonly f32: Kernels;
  readonly f64: Kernels;
  /** What the tables were made from. */
  readonly source: KernelSource;
  /** Whether the look-up kernels are those with relaxed SIMD. */
  readonly relaxed: boolean;
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
  const f32 = heap.memory === null ? offered.reference(heap, "f32") : wasmKernels(heap, offered, engine.relaxed, {});
  engine = { ...engine, f32, f64: offered.reference(heap, "f64"), source: offered };
}

/** Compiles synchronously. @throws WebAssembly.CompileError where a content policy forbids it */
function compiled({ bytes }: KernelSource): WebAssembly.Module {
  return new WebAssembly.Module(bytes());
}

/** The kernels over a heap, the look-up kernels with relaxed SIMD if that is wanted. */
function wasmKernels(heap: Heap, from: KernelSource, relaxed: boolean, { module }: InitOptions): Kernels {
  const kernels = instantiateKernels(heap, module ?? compiled(from));
  const faster = relaxed ? relaxedModule(from) : null;
  return faster === null ? kernels : { ...kernels, ...instantiateKernels(heap, faster) };
}

/** Null where the engine has no relaxed SIMD, or a policy forbids compiling. */
function relaxedModule({ relaxed }: KernelSource): WebAssembly.Module | null {
  const bytes = relaxed?.();
  if (bytes === undefined || !WebAssembly.validate(bytes)) return null;
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    return null;
  }
}

function start(options: InitOptions): Engine {
  if (source === null) throw new ScopeError({ op: "init", what: "internal: no kernels were provided" });
  const wanted = options.backend ?? "auto";
  if (wanted !== "auto" && wanted !== "wasm" && wanted !== "reference") {
    throw new ArgumentError({
      op: "init",
      what: "unknown backend",
      expected: "auto, wasm or reference",
      got: `${wanted}`,
    });
  }
  if (wanted !== "reference" && (options.module !== undefined || wasmAvailable())) {
    try {
      const heap = new Heap({ wasm: true });
      const wantsRelaxed = options.relaxedSimd ?? true;
      const f32 = wasmKernels(heap, source, wantsRelaxed, options);
      const f64 = source.reference(heap, "f64");
      const relaxed = wantsRelaxed && relaxedModule(source) !== null;
      return { backend: "wasm", allocator: new Allocator(heap), f32, f64, source, relaxed, threads: 1, arrays: 0 };
    } catch (cause) {
      if (wanted === "wasm" || options.module !== undefined) throw cause;
    }
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
      "CoarsegradBackendWarning: WebAssembly SIMD is not available here; running on the TypeScript reference kernels, " +
        'which are some tens of times slower. init({ backend: "reference" }) silences this.',
    );
  }
  const heap = new Heap({ wasm: false });
  return {
    backend: "reference",
    allocator: new Allocator(heap),
    f32: source.reference(heap, "f32"),
    f64: source.reference(heap, "f64"),
    source,
    relaxed: false,
    threads: 1,
    arrays: 0,
  };
}

async function startThreaded(options: ThreadOptions): Promise<Engine> {
  const from = source;
  if (!from?.threads) {
    throw new ThreadError({
      op: "init",
      what: "the packed runtime has no kernels for several threads",
      expected: "one thread",
      got: `${options.threads}`,
      hint: 'init({ threads }) of "coarsegrad" brings all kernels',
    });
  }
  const { startThreads } = await from.threads();
  const threaded = await startThreads(options);
  if (threaded === null) return start({ backend: options.backend });
  const f64 = from.reference(threaded.allocator.heap, "f64");
  return { ...threaded, backend: "wasm", f64, source: from, relaxed: false, arrays: 0 };
}

function replace(next: Engine): Backend {
  engine?.stop?.();
  engine = next;
  return next.backend;
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
 * Chooses the backend and the number of threads. Optional: the first array starts the default one, a single thread. May be called again
 * while no array is alive; threads of the engine before are ended.
 *
 * With `threads` it is asynchronous, because workers are: the engine changes when the promise is fulfilled. Several threads need shared
 * memory: Node has it, a page must be cross-origin isolated. Results have the same bits with any number of threads. On a page's main thread,
 * which must not sleep, waiting for the other threads keeps the processor busy; train in a Web Worker if that matters.
 *
 * @returns the backend; a promise of it if `threads` is given
 * @throws ScopeError if arrays of the running backend are alive; ArgumentError on an unknown or unavailable backend or a bad number of
 * threads; ThreadError if threads are asked for by number where memory cannot be shared, or a worker does not start
 * @example
 * init({ backend: "reference" });
 * await init({ threads: "auto" });
 */
export function init(options: ThreadOptions): Promise<Backend>;
export function init(options?: InitOptions & { threads?: undefined }): Backend;
export function init(
  options: ThreadOptions | (InitOptions & { threads?: undefined }) = {},
): Backend | Promise<Backend> {
  if (options.threads !== undefined) return initThreads(options);
  expectNoArrays();
  return replace(start(options));
}

async function initThreads(options: ThreadOptions): Promise<Backend> {
  expectNoArrays();
  if ("module" in options || !["auto", "wasm"].includes(options.backend ?? "auto")) {
    throw new ArgumentError({
      op: "init",
      what: "threads do not go with these options",
      expected: "neither module nor the reference backend",
      got: Object.keys(options).join(", "),
    });
  }
  const next = await startThreaded(options);
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
  return get().backend;
}

/** Whether look-up products run with relaxed SIMD. */
export function relaxedSimd(): boolean {
  return get().relaxed;
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
