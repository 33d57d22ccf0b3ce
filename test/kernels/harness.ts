/**
 * @file Runs a WebAssembly kernel and its TypeScript twin on copies of the same arguments, guarded, and compares what they leave.
 * With COARSEGRAD_TEST_KERNELS=relaxed it is the relaxed variant that runs (relaxed.test.ts).
 */
import { setFlagsFromString } from "node:v8";
import fc from "fast-check";
import { dtypeOf, type TypedArray, viewOf } from "../../src/core/dtype.js";
import { Rng } from "../../src/core/rng.js";
import type { KernelName, Kernels } from "../../src/kernels/abi.js";
import { ALL_KERNELS } from "../../src/kernels/all.js";
import { referenceKernels } from "../../src/kernels/reference.js";
import { instantiateKernels } from "../../src/kernels/wasm.js";
import { Heap } from "../../src/memory/heap.js";

const ARENA = 1024;
const GUARD = 64;
// All bits set is NaN, −1 and 255: reading it by mistake shows in a result, writing over it shows in the guard.
const GUARD_BYTE = 0xff;

const relaxed = process.env["COARSEGRAD_TEST_KERNELS"] === "relaxed";
// Node 20 has it behind a flag.
if (relaxed && process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

export const heap = new Heap({ wasm: true, initialBytes: 1 << 22, maximumBytes: 1 << 28 });
/** What is tested. */
export const source = new WebAssembly.Module(relaxed ? await ALL_KERNELS.relaxedBytes() : ALL_KERNELS.bytes());
export const wasm: Kernels = instantiateKernels(heap, source);
export const twin: Kernels = referenceKernels(heap, "f32");

/**
 * An array argument. `in` must come back unchanged; `out` is poisoned first; `inout` starts as `data`; `scratch` is poisoned and not compared.
 * `offset`: the element pointed at.
 */
export interface Buffer {
  readonly role: "in" | "out" | "inout" | "scratch";
  readonly data: TypedArray;
  readonly offset: number;
}
export const input = (data: TypedArray, offset = 0): Buffer => ({ role: "in", data, offset });
export const output = (data: TypedArray): Buffer => ({ role: "out", data, offset: 0 });
export const scratch = (data: TypedArray): Buffer => ({ role: "scratch", data, offset: 0 });
export const inout = (data: TypedArray, offset = 0): Buffer => ({ role: "inout", data, offset });
/** The array of an earlier argument again, for kernels that work in place. */
export const same = (argument: number) => ({ same: argument });

export type Argument = number | Buffer | { readonly same: number };

export interface Outcome {
  readonly returned: unknown;
  /** What `out` and `inout` arguments hold afterwards, in order. */
  readonly outputs: TypedArray[];
}

function place(args: readonly Argument[]): { pointers: number[]; starts: number[]; end: number } {
  let top = ARENA;
  const pointers: number[] = [];
  const starts: number[] = [];
  for (const arg of args) {
    if (typeof arg === "number") {
      pointers.push(arg);
      starts.push(0);
    } else if ("same" in arg) {
      pointers.push(pointers[arg.same]);
      starts.push(0);
    } else {
      top += GUARD;
      starts.push(top);
      pointers.push(top + arg.offset * arg.data.BYTES_PER_ELEMENT);
      top = Math.ceil((top + arg.data.byteLength + GUARD) / 64) * 64;
    }
  }
  return { pointers, starts, end: top };
}

/** Calls one implementation. @throws Error if a guard byte or an input changed */
export function call(kernels: Kernels, name: KernelName, args: readonly Argument[]): Outcome {
  const { pointers, starts, end } = place(args);
  heap.ensure(end);
  heap.u8(ARENA, end - ARENA).fill(GUARD_BYTE);
  args.forEach((arg, i) => {
    if (typeof arg === "number" || "same" in arg) return;
    const view = viewOf(heap.buffer, dtypeOf(arg.data), starts[i], arg.data.length);
    if (arg.role === "out" || arg.role === "scratch") heap.u8(starts[i], arg.data.byteLength).fill(0x5a);
    else view.set(arg.data);
  });
  const kernel = kernels[name] as (...values: number[]) => unknown;
  const returned = kernel(...pointers);
  const outputs: TypedArray[] = [];
  let clean = ARENA;
  const expectGuard = (from: number, to: number): void => {
    const bytes = heap.u8(from, to - from);
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== GUARD_BYTE) throw new Error(`${name}: wrote byte ${from + i - clean} past an array`);
    }
  };
  args.forEach((arg, i) => {
    if (typeof arg === "number" || "same" in arg) return;
    expectGuard(clean, starts[i]);
    clean = starts[i] + arg.data.byteLength;
    const view = viewOf(heap.buffer, dtypeOf(arg.data), starts[i], arg.data.length);
    if (arg.role === "in") expectSameBits(`${name}: input ${i}`, view, arg.data);
    else if (arg.role !== "scratch") outputs.push(view.slice());
  });
  expectGuard(clean, end);
  return { returned, outputs };
}

/** Both implementations on the same arguments. */
export function both(name: KernelName, ...args: Argument[]): { wasm: Outcome; twin: Outcome } {
  return { wasm: call(wasm, name, args), twin: call(twin, name, args) };
}

/** Every element is the same number: −0 is not +0, any NaN is NaN. */
export function expectSameBits(what: string, got: ArrayLike<number>, want: ArrayLike<number>): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} elements, expected ${want.length}`);
  for (let i = 0; i < want.length; i++) {
    if (!Object.is(got[i], want[i])) throw new Error(`${what}[${i}]: got ${got[i]}, expected ${want[i]}`);
  }
}

/** Every element is within its tolerance; NaN and infinities must agree. */
export function expectClose(
  what: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: (i: number) => number,
): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} elements, expected ${want.length}`);
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i]) || Math.abs(got[i] - want[i]) <= tolerance(i)) continue;
    throw new Error(`${what}[${i}]: got ${got[i]}, expected ${want[i]} ± ${tolerance(i)}`);
  }
}

/** Kernels that round once per product and sum in the relaxed variant. */
const FUSED: ReadonlySet<KernelName> = new Set<KernelName>([
  "f32_gemm",
  "f32_conv",
  "u8_conv_f32",
  "f32_conv_bwd_weight",
  "u8_conv_bwd_weight_f32",
  "f32_conv_bwd_input",
]);

/** The same, of sums that are transformed before and after: what is lost is relative to the largest values that meet in a tile. */
const FUSED_TILES: ReadonlySet<KernelName> = new Set<KernelName>([
  "f32_winograd_conv",
  "f32_winograd_bwd_input",
  "f32_winograd_bwd_weight",
  "u8_winograd_bwd_weight_f32",
]);
const TILES_TOLERANCE = 2 ** -17;
/** Values below this met larger ones on the way: operands are up to 4, their transforms up to 100 times as large. */
const TILES_LEAST = 64;

/**
 * Relative to the sum of the magnitudes of all products. Two orders of rounding of a sum of n differ by about √n/2 units in the last place of its
 * partial sums, which are far smaller than that: a few units for the hundreds of products here.
 */
const FUSED_TOLERANCE = 32 * 2 ** -23;

const magnitudes = (args: readonly Argument[]): Argument[] =>
  args.map((arg) =>
    typeof arg === "object" && "data" in arg && arg.data instanceof Float32Array
      ? { ...arg, data: arg.data.map(Math.abs) }
      : arg,
  );

/**
 * Runs both and expects the same bits in all outputs and the returned value; of the relaxed variant's fused products, values that are as close as
 * rounding once or twice lets them be. @returns the outputs of the WebAssembly kernel
 */
export function agree(name: KernelName, ...args: Argument[]): TypedArray[] {
  const result = both(name, ...args);
  const fused = relaxed && FUSED.has(name) ? call(twin, name, magnitudes(args)) : null;
  result.twin.outputs.forEach((want, i) => {
    const [what, got] = [`${name} output ${i}`, result.wasm.outputs[i]];
    if (relaxed && FUSED_TILES.has(name)) {
      const most = Math.max(TILES_LEAST, ...Array.from(want, Math.abs));
      expectClose(what, got, want, () => TILES_TOLERANCE * most);
    } else if (fused === null) expectSameBits(what, got, want);
    else expectClose(what, got, want, (at) => FUSED_TOLERANCE * fused.outputs[i][at]);
  });
  if (!Object.is(result.wasm.returned, result.twin.returned)) {
    throw new Error(`${name}: returned ${result.wasm.returned}, expected ${result.twin.returned}`);
  }
  return result.wasm.outputs;
}

/** Spacing of f32 numbers at |x|. */
export function ulp(x: number): number {
  const magnitude = Math.abs(Math.fround(x));
  if (!(magnitude < Infinity)) return 0;
  const bits = new Int32Array(Float32Array.of(magnitude).buffer)[0];
  return new Float32Array(Int32Array.of(bits + 1).buffer)[0] - magnitude;
}

/** The f32 number next above (`by` = 1) or below (−1) a positive one. */
export function nextFloat(x: number, by: 1 | -1): number {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0];
  return new Float32Array(Int32Array.of(bits + by).buffer)[0];
}

const SPECIAL = [
  0,
  -0,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  -1e-45,
  1.17549435e-38,
  -1.1754942e-38,
  3.4028235e38,
  -3.4028235e38,
  0.5,
  -0.5,
  1,
  -1,
  1.5,
  2.5,
];

/** How numbers are drawn: `any` mixes special values in, `tame` is in [−4, 4), `integer` is in −8…8. */
export type Flavour = "any" | "tame" | "integer";

export function reals(rng: Rng, length: number, flavour: Flavour = "any"): Float32Array {
  return Float32Array.from({ length }, () => {
    if (flavour === "integer") return rng.int(17) - 8;
    if (flavour === "any") {
      const kind = rng.int(10);
      if (kind < 2) return SPECIAL[rng.int(SPECIAL.length)];
      if (kind < 4) return new Float32Array(Uint32Array.of(rng.u32()).buffer)[0]; // any bits
    }
    return rng.range(-4, 4);
  });
}

export function bytes(rng: Rng, length: number, below = 256): Uint8Array {
  return Uint8Array.from({ length }, () => rng.int(below));
}

export function codes(rng: Rng, length: number, top = 128): Int8Array {
  return Int8Array.from({ length }, () => rng.int(2 * top) - top);
}

export function integers(rng: Rng, length: number, magnitude: number): Int32Array {
  return Int32Array.from({ length }, () => rng.int(2 * magnitude + 1) - magnitude);
}

/** Lengths around the tiles of 4, 8, 16 and the unrollings. */
export const lengths = fc.constantFrom(
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  9,
  11,
  12,
  13,
  15,
  16,
  17,
  23,
  31,
  32,
  33,
  47,
  64,
  67,
  131,
);
/** Small extents of matrices and images. */
export const extents = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 16, 17);
/** Channel counts: divisible by 4, by 2, odd; below and above a vector and a block of 16. */
export const channelCounts = fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 12, 13, 16, 17, 20, 32, 33, 36, 64);

/** A property over a fresh generator, whose seed fast-check prints and shrinks, and drawn parameters. */
export function property<T>(parameters: fc.Arbitrary<T>, check: (rng: Rng, drawn: T) => void, runs = 120): void {
  fc.assert(
    fc.property(fc.nat(1_000_000), parameters, (seed, drawn) => check(new Rng(seed), drawn)),
    { numRuns: runs },
  );
}

/** A check of one kernel against its twin. */
export type Check = () => void;
