/**
 * @file The contract of kernels: a family is a record of lines, and a line says a kernel's arguments by name, whether
 * it returns a number, and how threads may share it. The TypeScript signatures are derived from that.
 *
 * Conventions. Names ending in `Ptr` are byte addresses in the heap, 16-byte aligned at the start of an array; `Len`,
 * `rows`, `n` and other extents count elements. A name that ends in `?` may be left out, which is 0. Arrays are dense
 * and row-major; images are NHWC. A kernel may read up to 16 bytes past an input and never writes outside its output.
 * Unless a line says otherwise, an output may be the very same array as an input (elementwise in place) but may not
 * overlap it partly. Prefix = element type that is computed in: `f32_` kernels in the f64 table (TypeScript twins only)
 * read and write f64 wherever a comment says "real". Every reduction has one fixed order that depends on the extents
 * alone; sums other than those of matrix products and convolutions are accumulated in f64. Scalars are rounded to real
 * first, but for the optimizers', whose combinations (1 − rho, lr/correction1, …) are formed in f64.
 *
 * Ranges. A kernel that can be split takes its range itself: a count whose pointers move with it, or a start and a
 * count (`rowStart`, `rowCount`) into whole arrays. Where rows are summed, `sumsPtr?` ≠ 0 leaves the sums of the call's
 * rows there, in f64, instead of rounding them into the outputs: vectors of the columns rounded up to a multiple of 4,
 * in the order of the outputs. (Not of one column, which is summed along the row.)
 */
import type { Splits } from "./split.js";

/** A byte address in the heap. */
export type Ptr = number;

/** An argument's name without the mark of one that may be left out. */
type Plain<Name extends string> = Name extends `${infer Bare}?` ? Bare : Name;

/** A kernel's line in the ABI. */
export interface Line<Names extends readonly string[] = readonly string[], Returns extends boolean = boolean> {
  /** The arguments, in order. */
  readonly names: Names;
  /** How threads share it; null: it runs on one. */
  readonly split: Splits | null;
  /** Whether it returns a number. */
  readonly returns: Returns;
}

/** Values of the arguments: numbers, all of them. */
type Values<Names extends readonly string[]> = Names extends readonly [
  infer First,
  ...infer Rest extends readonly string[],
]
  ? First extends `${string}?`
    ? [value?: number, ...rest: Values<Rest>]
    : [value: number, ...rest: Values<Rest>]
  : [];

/** The signature of a line. */
export type KernelOf<L> =
  L extends Line<infer Names, infer Returns>
    ? (...values: Values<Names>) => Returns extends true ? number : void
    : never;

/** The signatures of a family. */
export type KernelsOf<Family> = { [Name in keyof Family]: KernelOf<Family[Name]> };

/** A kernel that returns nothing. @param split how threads share it; null: a decision that they do not */
export function kernel<const Names extends readonly string[]>(
  names: Names,
  split: Splits<Plain<NoInfer<Names>[number]>> | null,
): Line<Names, false> {
  return { names, split, returns: false };
}

/** A kernel that returns a number. */
export function result<const Names extends readonly string[]>(
  names: Names,
  split: Splits<Plain<NoInfer<Names>[number]>> | null,
): Line<Names, true> {
  return { names, split, returns: true };
}
