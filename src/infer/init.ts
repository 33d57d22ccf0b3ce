/** @file Starting the engine for the packed runtime, with its kernels alone. */
import { type Backend, init as engineInit, type InitOptions, provideKernels } from "../kernels/engine.js";
import { RUNTIME_KERNELS } from "../kernels/runtime.js";

/** Makes the runtime's kernels the engine's, unless it has all. */
export function provideRuntime(): void {
  provideKernels(RUNTIME_KERNELS);
}

/**
 * Chooses the backend. Optional: the first session starts the default one. `module` may be the compiled `coarsegrad/kernels.wasm`.
 *
 * @throws ScopeError if sessions or arrays of the running backend are alive; ArgumentError on an unknown or unavailable backend
 */
export function init(options: InitOptions = {}): Backend {
  provideRuntime();
  return engineInit(options);
}
