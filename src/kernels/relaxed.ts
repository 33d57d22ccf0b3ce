/**
 * @file The relaxed variant: whether this engine takes it, and what happens where it does not. Loaded only when it is
 * asked for.
 */
import type { ErrorFields } from "../core/errors.js";

/** A module of one function, `() -> f32x4.relaxed_madd(v128.const 0, …, …); drop`: valid only where relaxed SIMD is. */
const ZERO = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const RELAXED_PROBE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version 1
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00], // type () -> ()
  ...[0x03, 0x02, 0x01, 0x00], // one function of that type
  ...[0x0a, 0x3e, 0x01, 0x3c, 0x00, ...ZERO, ...ZERO, ...ZERO, 0xfd, 0x85, 0x02, 0x1a, 0x0b],
);

/** Whether this engine has WebAssembly's relaxed SIMD. */
export function relaxedAvailable(): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(RELAXED_PROBE);
}

/** The engine's name for a message. */
function engineName(): string {
  const { process, navigator } = globalThis as { process?: { version?: string }; navigator?: { userAgent?: string } };
  return process?.version !== undefined ? `Node ${process.version}` : (navigator?.userAgent ?? "an unknown engine");
}

/**
 * Whether the relaxed variant is to be taken. Imports and throws nothing, so that what loads this file on demand shares
 * nothing with it.
 *
 * @param wanted true: it must be; "auto": where there is one
 * @returns what an ArgumentError says, if it must and cannot
 */
export function takesRelaxed(wanted: true | "auto"): boolean | ErrorFields {
  if (relaxedAvailable()) return true;
  if (wanted === "auto") return false;
  return {
    op: "init",
    what: "relaxed SIMD is not available",
    expected: "an engine that has it: Node 22, Chrome 114 or newer, Node 20 with --experimental-wasm-relaxed-simd",
    got: engineName(),
    hint: 'init({ relaxed: "auto" }) takes the plain kernels instead',
  };
}
