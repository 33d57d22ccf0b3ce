/** @file Calls outside every scope, where nobody but the code itself frees what it makes on the way. */
import { memory } from "../src/kernels/index.js";
import { scopeDepth } from "../src/memory/index.js";

/** What two calls came to. */
export interface Outside {
  /** False if the first call threw. */
  readonly accepted: boolean;
  /** Arrays and bytes of the heap that the second one left beside its result. */
  readonly arrays: number;
  readonly bytes: number;
}

/** Frees what a call gave, and what is in it, apart from what it was given. */
function release(value: unknown, given: ReadonlySet<unknown>, depth = 0): void {
  if (typeof value !== "object" || value === null || given.has(value) || depth > 3) return;
  const { dispose } = value as { dispose?: unknown };
  if (typeof dispose === "function") dispose.call(value);
  else if (!ArrayBuffer.isView(value)) {
    for (const item of value instanceof Map ? value.values() : Object.values(value)) release(item, given, depth + 1);
  }
}

/**
 * Calls `fn` twice with the same arguments, outside scopes, and frees its results. The first call may make what stays:
 * tables, real values of codes. A promise is left alone: work that waits has scopes of its own.
 */
export function callOutside(fn: (...args: never[]) => unknown, args: readonly unknown[]): Outside {
  if (scopeDepth() !== 0) throw new Error("callOutside: a scope is open");
  const given = new Set(args);
  const call = (): boolean => {
    try {
      const result = fn(...(args as never[]));
      if (result instanceof Promise) result.catch(() => undefined);
      else release(result, given);
      return true;
    } catch {
      return false;
    }
  };
  const accepted = call();
  const before = memory();
  call();
  const after = memory();
  return { accepted, arrays: after.arrays - before.arrays, bytes: after.bytes - before.bytes };
}
