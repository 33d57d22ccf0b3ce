/** @file Starting an engine: its kinds, what may be asked for, and how each kind is made. */
import { ArgumentError, MemoryError, ScopeError, ThreadError } from "../core/errors.js";
import { isErrorOf } from "../core/foreign-errors.js";
import { Allocator } from "../memory/allocator.js";
import { Heap } from "../memory/heap.js";
import type { Kernels } from "./abi.js";
import type { KernelSource } from "./source.js";
import type { RelaxedOptions, ThreadOptions } from "./threads/options.js";
import type { Variant } from "./variant.js";
import { instantiateKernels, relaxedAvailable, relaxIntegers, wasmAvailable } from "./wasm.js";

export type { Variant } from "./variant.js";

/** Where f32 arithmetic runs: WebAssembly SIMD, or the TypeScript twins (`reference`, some tens of times slower). */
export type Backend = "wasm" | "reference";

/** Choices of {@link init}. */
export interface InitOptions {
  /** `auto` (default) takes WebAssembly and falls back to `reference` with a warning where it is forbidden. */
  backend?: Backend | "auto";
  /**
   * A compiled kernel module, for pages whose policy forbids compiling from bytes:
   * `await WebAssembly.compileStreaming(fetch(".../kernels.wasm"))`.
   */
  module?: WebAssembly.Module;
}

/** What a synchronous {@link init} takes. */
export type SyncOptions = InitOptions & { threads?: undefined; relaxed?: undefined };

/** A heap and the kernel tables over it. */
export interface Engine {
  readonly variant: Variant;
  readonly allocator: Allocator;
  readonly f32: Kernels;
  readonly f64: Kernels;
  /** What the tables were made from. */
  readonly source: KernelSource;
  readonly threads: number;
  /** Ends its threads. */
  readonly stop?: () => void;
}

/**
 * Compiles synchronously.
 *
 * @param variant "simd": without relaxed SIMD
 * @throws WebAssembly.CompileError where a content policy forbids it
 */
export function compiled({ bytes }: KernelSource, variant: Variant): WebAssembly.Module {
  return new WebAssembly.Module(variant === "simd" ? bytes() : relaxIntegers(bytes()));
}

/** The variant that has the same bits everywhere. @param relaxed what `init` was told */
function exactVariant(relaxed?: boolean | "auto" | "never"): Variant {
  return relaxed !== "never" && relaxedAvailable() ? "relaxed-integers" : "simd";
}

/** An engine on one thread. */
function engineOn(heap: Heap, variant: Variant, source: KernelSource, f32: Kernels, f64: Kernels): Engine {
  return { variant, allocator: new Allocator(heap), f32, f64, source, threads: 1 };
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
    if (isErrorOf("LinkError", cause) || isErrorOf("TypeError", cause)) return refuse(cause.message);
    throw cause;
  }
}

/** The kernels' module; null where a policy forbids compiling. @throws MemoryError */
function compiledOrNull(from: KernelSource, variant: Variant): WebAssembly.Module | null {
  try {
    return compiled(from, variant);
  } catch (cause) {
    if (!isErrorOf("RangeError", cause)) return null;
    const expected = "room for the kernels' code";
    throw new MemoryError({ op: "init", what: "WebAssembly cannot be compiled", expected, got: cause.message });
  }
}

/** Starts what needs no loading. @throws ArgumentError, MemoryError */
export function start(
  source: KernelSource | null,
  options: InitOptions & Pick<ThreadOptions | RelaxedOptions, "relaxed">,
): Engine {
  if (source === null) throw new ScopeError({ op: "init", what: "internal: no kernels were provided" });
  const wanted = options.backend ?? "auto";
  if (wanted !== "reference" && (options.module !== undefined || wasmAvailable())) {
    // Where memory is missing nothing falls back: the twins would run, tens of times slower, and run out of it too.
    const variant = options.module ? "simd" : exactVariant(options.relaxed);
    const module = options.module ?? compiledOrNull(source, variant);
    if (module !== null) return startWasm(source, module, variant);
  }
  if (wanted === "wasm") {
    throw new ArgumentError({
      op: "init",
      what: "WebAssembly with SIMD is not available",
      expected: "an engine that allows it",
      got: "none, or a content security policy without 'wasm-unsafe-eval'",
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
export async function startLater(from: KernelSource | null, options: ThreadOptions | RelaxedOptions): Promise<Engine> {
  if (from === null || (options.threads !== undefined && !from.threads)) {
    throw new ThreadError({
      op: "init",
      what: "the packed runtime has no kernels for several threads",
      expected: "one thread",
      got: `${options.threads}`,
      hint: 'init({ threads }) of "coarsegrad" brings all kernels',
    });
  }
  const { backend, relaxed } = options;
  let variant = exactVariant(relaxed);
  if (relaxed === true && variant === "simd") throw new ArgumentError((await import("./relaxed.js")).noRelaxed());
  if ((relaxed === true || relaxed === "auto") && variant !== "simd") variant = "relaxed";
  if (options.threads !== undefined) {
    const { startThreads } = await from.threads!();
    const threaded = await startThreads(options, variant);
    if (threaded !== null) {
      const f64 = from.reference(threaded.allocator.heap, "f64");
      return { ...threaded, variant, f64, source: from };
    }
  }
  if (variant === "relaxed") return startWasm(from, await WebAssembly.compile(await from.relaxedBytes()), variant);
  if (variant === "simd" || !from.dotsBytes) return start(from, { backend, relaxed });
  return startWasm(from, await WebAssembly.compile(relaxIntegers(await from.dotsBytes())), variant);
}
