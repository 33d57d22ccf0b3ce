/** @file The kinds of kernels that an engine can run. */

/**
 * Which kernels run: WebAssembly with plain SIMD; with relaxed SIMD in products of integers, whose bits are the same;
 * with it in products of reals too, whose bits depend on the processor; or the TypeScript twins.
 */
export type Variant = "simd" | "relaxed-integers" | "relaxed" | "reference";
