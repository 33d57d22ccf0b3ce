/** @file The calls of modules inside a network while it runs. */
import type { Module } from "./module.js";

/**
 * Stands around a call: `forward` makes it, and gives what the module gives.
 *
 * @param index of the module
 * @param inputs what the module is given; some take several
 */
export type AroundCall = (index: number, inputs: readonly unknown[], forward: () => unknown) => unknown;

/** An own property hides `forward` for as long; not enumerable, since it is no member. */
function hide(module: Module, around: (inputs: readonly unknown[], forward: () => unknown) => unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(module, "forward");
  const hidden = own?.configurable === false || !Object.isExtensible(module);
  if (typeof module.forward !== "function" || hidden) return () => {};
  const forward = module.forward as (...inputs: unknown[]) => unknown;
  const value = (...inputs: unknown[]): unknown => around(inputs, () => forward.apply(module, inputs));
  Object.defineProperty(module, "forward", { value, configurable: true, writable: true, enumerable: false });
  return () => {
    Reflect.deleteProperty(module, "forward");
    if (own !== undefined) Object.defineProperty(module, "forward", own);
  };
}

/**
 * Runs something with a function around each call of some modules. Each `forward` is as it was afterwards, whether its
 * class's or an object's own.
 *
 * @param modules objects that cannot be changed are left alone, and what a fused operation computes is not called
 */
export function aroundCalls<Result>(modules: readonly Module[], around: AroundCall, run: () => Result): Result {
  const restore: (() => void)[] = [];
  try {
    modules.forEach((module, i) => {
      restore.push(hide(module, (inputs, forward) => around(i, inputs, forward)));
    });
    return run();
  } finally {
    // The last first: a module may be there twice.
    for (const undo of restore.reverse()) undo();
  }
}
