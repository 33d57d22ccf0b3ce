/**
 * @file How threads may share a kernel, as data: arguments are named, sizes are products of numbers, arguments and
 * fields of the geometry. src/kernels/threads/ runs it. Every split keeps the bits: parts write different elements, and
 * where something is added up, in the kernel's own order.
 */
import type { GeometryField } from "./geometry.js";

/** Nanoseconds of an element: bandwidth-bound, some arithmetic, and series of it. */
export const LIGHT = 0.3;
export const MEDIUM = 0.6;
export const HEAVY = 2;

/** What is worked out of a geometry: elements of a patch, positions of an image, and its Winograd tiles. */
export type Derived = "patch" | "positions" | "tiles";

/**
 * A factor: a number, an argument, a field, an argument rounded up to a multiple, or the bytes of an element that is
 * real (step 0) or coded.
 */
export type Factor<Name extends string> =
  | number
  | Name
  | GeometryField
  | Derived
  | { readonly up: Name; readonly to: number }
  | { readonly realOrCodes: Name };

/** A product of factors. */
export type Size<Name extends string> = number | readonly Factor<Name>[];

/** Pointers, and by how many bytes they move for each unit of work; a null pointer stays one. */
export type Moves<Name extends string> = { readonly [P in Name]?: Size<Name> };

/**
 * The workspace, of which every thread has its own: the caller's, as large as that kernel says of the arguments of the
 * same names, or taken for the call.
 */
export interface Workspace<Name extends string> {
  readonly ptr: Name;
  readonly bytes: number | `${string}_work`;
}

/** Consecutive units of work. */
export interface RangeSplit<Name extends string> {
  readonly kind: "range";
  /** The argument that counts the units. */
  readonly count: Name;
  /** The argument that names the first one; absent: pointers say it. */
  readonly start?: Name;
  readonly moves?: Moves<Name>;
  /** Estimated nanoseconds of a unit. */
  readonly time: Size<Name>;
  /**
   * All ranges but the last one hold a multiple of this many units; the second number if there are more units than
   * that.
   */
  readonly multiple?: number | readonly [few: number, many: number];
  /** Units that stay together, counted from unit 0. */
  readonly together?: Size<Name>;
  readonly work?: Workspace<Name>;
  /** What the parts return makes what the whole returns. */
  readonly combine?: "sum" | "max";
}

/** A returned sum over arrays of the kernel's own blocks of elements, added in order. */
export interface TotalSplit<Name extends string> {
  readonly kind: "total";
  readonly count: Name;
  readonly moves: Moves<Name>;
}

/**
 * Sums of columns over the kernel's own blocks of rows, which it leaves in f64 at `sums` if that is not 0; added in
 * order, then divided and rounded.
 */
export interface ColumnsSplit<Name extends string> {
  readonly kind: "columns";
  readonly rows: Name;
  readonly columns: Name;
  readonly moves: Moves<Name>;
  readonly sums: Name;
  /** Where the sums belong, in the order in which they lie at `sums`. */
  readonly outputs: readonly Name[];
  readonly divisor?: Name;
  /** An argument that must be 1. */
  readonly one?: Name;
  readonly work?: Workspace<Name>;
  readonly combine?: "sum";
}

/** Blocks of a product's rows and columns. */
export interface GridSplit<Name extends string> {
  readonly kind: "grid";
  readonly extents: readonly [M: Name, N: Name, K: Name];
  readonly rows: readonly [start: Name, count: Name];
  readonly columns: readonly [start: Name, count: Name];
  readonly work: Workspace<Name>;
}

/** Two arrays of which one may repeat: a dense one moves along, a repeated one is met at a multiple of its length. */
export interface BroadcastSplit<Name extends string> {
  readonly kind: "broadcast";
  readonly count: Name;
  readonly inputs: readonly (readonly [ptr: Name, length: Name])[];
  readonly output: Name;
  /** Bytes of an element of the output. */
  readonly bytes: number;
  readonly time: number;
}

/** A dense array and a strided one, by the first axis that has more than one index. */
export interface StridedSplit<Name extends string> {
  readonly kind: "strided";
  readonly rank: Name;
  readonly dims: Name;
  readonly dense: Name;
  readonly strided: Name;
  readonly bytes: number;
}

/** The kernel's own parts; of few parts with many filters, quarters of the filters too. */
export interface PartsSplit<Name extends string> {
  readonly kind: "parts";
  readonly parts: readonly [start: Name, count: Name];
  readonly filters: readonly [start: Name, count: Name];
  /** Estimated nanoseconds of all of it. */
  readonly time: Size<Name>;
  /**
   * Filters times channels from which on a filter's products cost so much more than the inputs' transform that a few
   * chunks may repeat it.
   */
  readonly wide: number;
  readonly work: Workspace<Name>;
}

/** Bytes of a workspace, of which every thread gets as many. */
export interface WorkSplit {
  readonly kind: "work";
}

/** How a kernel with arguments of these names is split. */
export type Split<Name extends string = string> =
  | RangeSplit<Name>
  | TotalSplit<Name>
  | ColumnsSplit<Name>
  | GridSplit<Name>
  | BroadcastSplit<Name>
  | StridedSplit<Name>
  | PartsSplit<Name>
  | WorkSplit;

/** Several forms: the first one that applies. */
export type Splits<Name extends string = string> = Split<Name> | readonly Split<Name>[];

/** Dense arrays of `len` elements. @param moves pointers, with the bytes of their elements */
export function dense<Name extends string>(
  moves: Moves<Name>,
  time: number,
  combine?: "sum" | "max",
): RangeSplit<Name | "len"> {
  return { kind: "range", count: "len", moves, time, multiple: 64, combine } as RangeSplit<Name | "len">;
}

/** Rows of `channels` elements. @param bytes pointers, with the bytes of their elements */
export function rowsOf<Name extends string, Width extends string = "channels">(
  bytes: { readonly [P in Name]?: number },
  time: number,
  width: Width = "channels" as Width,
): RangeSplit<Name | Width | "rows"> {
  const moves = Object.fromEntries(Object.entries(bytes).map(([name, size]) => [name, [size as number, width]]));
  return { kind: "range", count: "rows", moves, time: [time, width], multiple: 4 } as unknown as RangeSplit<
    Name | Width | "rows"
  >;
}

/** Bytes of scratch, for every thread. */
export const WORK: WorkSplit = { kind: "work" };
