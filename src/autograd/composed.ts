/** @file Functions of several ops: what they make on the way is nobody's. */
import { Scope } from "../memory/scope.js";
import type { Variable } from "./graph.js";

/**
 * Runs a function that is made of several ops, or that makes tensors for one. What it made on the way is freed if it
 * throws, and if no history needs it: nobody else could free it.
 */
export function composed<V extends Variable>(fn: () => V): V {
  const inner = new Scope();
  try {
    const out = fn();
    if (out.node === null) inner.keep(out.data);
    else inner.handOver();
    return out;
  } finally {
    inner.close();
  }
}
