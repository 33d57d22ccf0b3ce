/**
 * @file Runs a WebAssembly kernel, the same in parts, and its TypeScript twin on copies of the same arguments, guarded,
 * and compares what they leave. COARSEGRAD_TEST_KERNELS names the variant that runs, "simd" without it
 * (relaxed.test.ts).
 */
import { setFlagsFromString } from "node:v8";
import fc from "fast-check";
import type { TypedArray } from "../../src/core/dtype.js";
import { Rng } from "../../src/core/rng.js";
import type { KernelName, Kernels } from "../../src/kernels/abi.js";
import { ALL_KERNELS } from "../../src/kernels/all.js";
import { referenceKernels } from "../../src/kernels/reference.js";
import { instantiateKernels, relaxIntegers } from "../../src/kernels/wasm.js";
import { type Argument, expectSameBits, guarded, heap, type Outcome } from "./arena.js";
import { expectParts } from "./parts.js";

export { type Argument, expectSameBits, heap, inout, input, type Outcome, output, same, scratch } from "./arena.js";

const variant = process.env["COARSEGRAD_TEST_KERNELS"] ?? "simd";
const relaxed = variant === "relaxed";
// Node 20 has it behind a flag.
if (variant !== "simd" && process.versions.node.startsWith("20."))
  setFlagsFromString("--experimental-wasm-relaxed-simd");

/** What is tested. */
export const source = new WebAssembly.Module(
  relaxed
    ? await ALL_KERNELS.relaxedBytes()
    : variant === "simd"
      ? ALL_KERNELS.bytes()
      : relaxIntegers(ALL_KERNELS.bytes()),
);
export const wasm: Kernels = instantiateKernels(heap, source);
export const twin: Kernels = referenceKernels(heap, "f32");

/** Calls one implementation. @throws Error if a guard byte or an input changed */
export function call(kernels: Kernels, name: KernelName, args: readonly Argument[]): Outcome {
  return guarded(name, args, (values) => (kernels[name] as (...values: number[]) => unknown)(...values));
}

/** Both implementations on the same arguments; the WebAssembly one in parts leaves the same bits. */
export function both(name: KernelName, ...args: Argument[]): { wasm: Outcome; twin: Outcome } {
  const whole = call(wasm, name, args);
  expectParts(wasm, name, args, whole);
  return { wasm: whole, twin: call(twin, name, args) };
}

/**
 * Expects the WebAssembly kernel in parts to leave the same bits: for problems that are too large for the twin.
 * @returns the number of parts
 */
export function splitsAlike(name: KernelName, ...args: Argument[]): number {
  const parts = expectParts(wasm, name, args, call(wasm, name, args));
  if (parts < 2) throw new Error(`${name}: not in parts`);
  return parts;
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

/**
 * The same, of sums that are transformed before and after: what is lost is relative to the largest values that meet in
 * a tile.
 */
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
 * Relative to the sum of the magnitudes of all products. Two orders of rounding of a sum of n differ by about √n/2
 * units in the last place of its partial sums, which are far smaller than that: a few units for the hundreds of
 * products here.
 */
const FUSED_TOLERANCE = 32 * 2 ** -23;

const magnitudes = (args: readonly Argument[]): Argument[] =>
  args.map((arg) =>
    typeof arg === "object" && "data" in arg && arg.data instanceof Float32Array
      ? { ...arg, data: arg.data.map(Math.abs) }
      : arg,
  );

/**
 * Runs both and expects the same bits in all outputs and the returned value; of the relaxed variant's fused products,
 * values that are as close as rounding once or twice lets them be. @returns the outputs of the WebAssembly kernel
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

/** Rows of several blocks of a sum, the last one short; columns with and without a tail. */
export const TALL: readonly (readonly [rows: number, columns: number])[] = [
  [20_001, 16],
  [9_001, 37],
  [40_001, 6],
  [700, 1030],
];

/** A property over a fresh generator, whose seed fast-check prints and shrinks, and drawn parameters. */
export function property<T>(parameters: fc.Arbitrary<T>, check: (rng: Rng, drawn: T) => void, runs = 120): void {
  fc.assert(
    fc.property(fc.nat(1_000_000), parameters, (seed, drawn) => check(new Rng(seed), drawn)),
    { numRuns: runs },
  );
}

/** A check of one kernel against its twin. */
export type Check = () => void;
