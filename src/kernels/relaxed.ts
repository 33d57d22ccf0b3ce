/**
 * @file What is said where the relaxed variant is asked for and the engine does not take it. Loaded only then.
 */
import type { ErrorFields } from "../core/errors.js";

/** The engine's name for a message. */
function engineName(): string {
  const { process, navigator } = globalThis as { process?: { version?: string }; navigator?: { userAgent?: string } };
  return process?.version !== undefined ? `Node ${process.version}` : (navigator?.userAgent ?? "an unknown engine");
}

/**
 * What an ArgumentError says. This file imports and throws nothing, so that what loads it on demand shares nothing with
 * it.
 */
export function noRelaxed(): ErrorFields {
  return {
    op: "init",
    what: "relaxed SIMD is not available",
    expected: "an engine that has it: Node 22, Chrome 114 or newer, Node 20 with --experimental-wasm-relaxed-simd",
    got: engineName(),
    hint: 'init({ relaxed: "auto" }) takes the plain kernels instead',
  };
}
