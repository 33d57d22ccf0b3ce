/** @file Starting the engine for the packed runtime, with its kernels alone. */
import { check, record } from "../core/checks.js";
import {
  type Backend,
  init as engineInit,
  variant as engineVariant,
  provideKernels,
  type SyncOptions,
  type Variant,
} from "../kernels/engine.js";
import { RUNTIME_KERNELS } from "../kernels/runtime.js";
import type { RelaxedOptions } from "../kernels/threads/options.js";

/** Makes the runtime's kernels the engine's, unless it has all. */
export function provideRuntime(): void {
  provideKernels(RUNTIME_KERNELS);
}

/**
 * Chooses the backend. Optional: the first session starts the default one. `module` may be the compiled
 * `coarsegrad/kernels.wasm`. With `relaxed` it is asynchronous and loads further kernels, with relaxed SIMD where the
 * engine has it: `false` those of integer layers alone, where weights of 3 to 8 bits gain most; everything keeps its
 * bits. With `true` and `"auto"` float layers have it too, and may differ in their last bits.
 *
 * @returns the backend; a promise of it if `relaxed` is given
 * @throws ScopeError if sessions or arrays of the running backend are alive; ArgumentError on an unknown or unavailable
 * backend, or `relaxed: true` where the engine has no relaxed SIMD
 * @example
 * await init({ relaxed: false }); // the fastest of the exact kernels
 */
export function init(options: RelaxedOptions): Promise<Backend>;
export function init(options?: SyncOptions): Backend;
export function init(options: RelaxedOptions | SyncOptions = {}): Backend | Promise<Backend> {
  check("init", "options", options, record);
  provideRuntime();
  return engineInit(options as SyncOptions); // one of its forms: it looks for itself
}

/** The variant of the kernels that sessions run on; starts the default one if none is running. */
export function variant(): Variant {
  provideRuntime();
  return engineVariant();
}
