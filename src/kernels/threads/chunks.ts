/**
 * @file How work is cut into chunks. Boundaries depend on the size of the problem alone, never on the number of threads; and no cut changes
 * the order in which anything is added up.
 */
import type { Pool, Workspace } from "./pool.js";

/** Estimated nanoseconds of work below which a kernel runs whole, on the calling thread: waking a worker costs about as much. */
const WORTH_SPLITTING = 30_000;
/** Estimated nanoseconds of the smallest chunk. */
const SMALLEST_CHUNK = 8_000;
/** Most chunks: several for each thread, so that one thread that is interrupted does not hold up the others. */
const MOST_CHUNKS = 24;

/** What rules use to run parts of kernels. */
export interface Crew {
  readonly threads: number;
  /** {@link Pool.run}. */
  run(kernel: string, calls: readonly (readonly number[])[], work?: Workspace): number[];
  /** i32 in the heap, as a copy. */
  ints(ptr: number, length: number): Int32Array;
  /** i32 in the heap, to be written at once. */
  i32(ptr: number, length: number): Int32Array;
  /** f32 in the heap, to be written at once. */
  f32(ptr: number, length: number): Float32Array;
  /** f64 in the heap, to be read at once. */
  f64(ptr: number, length: number): Float64Array;
  /** Runs `fn` with the address of `bytes` in the heap, freed afterwards. */
  scratch<T>(bytes: number, fn: (ptr: number) => T): T;
  /** A kernel on the calling thread. */
  whole: Pool["kernel"];
}

/** Runs a kernel in parts. @returns what the kernel returns; null: not worth it, run it whole */
export type Rule = (args: readonly number[], crew: Crew) => number | undefined | null;

/** A range of units of work. */
export interface Range {
  readonly start: number;
  readonly count: number;
}

/**
 * Ranges that cover 0 … units−1.
 *
 * @param nanoseconds estimated time of one unit
 * @param multiple all ranges but the last one hold a multiple of this many units
 * @returns at least two ranges, or null if it is not worth it
 */
export function cut(units: number, nanoseconds: number, multiple = 1): Range[] | null {
  const total = units * nanoseconds;
  if (total < WORTH_SPLITTING) return null;
  const wanted = Math.min(MOST_CHUNKS, Math.floor(total / SMALLEST_CHUNK));
  const size = Math.ceil(units / wanted / multiple) * multiple;
  return size >= units ? null : ranges(units, size);
}

/** Ranges of `size` units that cover 0 … units−1. */
export function ranges(units: number, size: number): Range[] {
  const found: Range[] = [];
  for (let start = 0; start < units; start += size) found.push({ start, count: Math.min(size, units - start) });
  return found;
}

/** A pointer argument: its index, and by how many bytes it moves for each unit. */
export type Moving = readonly [argument: number, bytes: number];

/** The arguments of one part: pointers moved to its start, the extent set to its length. */
export function part(args: readonly number[], extent: number, moving: readonly Moving[], range: Range): number[] {
  const own = [...args];
  for (const [argument, bytes] of moving) own[argument] += range.start * bytes;
  own[extent] = range.count;
  return own;
}

/**
 * The rule of a kernel over dense arrays of equal length.
 *
 * @param extent index of the length
 * @param moving pointers, with the bytes of their elements
 * @param nanoseconds estimated time of an element
 * @param combine makes one returned value of the parts'
 */
export function dense(
  name: string,
  extent: number,
  moving: readonly Moving[],
  nanoseconds: number,
  combine?: (parts: readonly number[]) => number,
): Rule {
  return (args, crew) => {
    const found = cut(args[extent], nanoseconds, 64);
    if (found === null) return null;
    const returned = crew.run(
      name,
      found.map((range) => part(args, extent, moving, range)),
    );
    return combine?.(returned);
  };
}

/**
 * The rule of a kernel over rows.
 *
 * @param extent index of the number of rows
 * @param width index of the elements in a row
 * @param moving pointers, with the bytes of an element
 * @param nanoseconds estimated time of an element
 */
export function rows(
  name: string,
  extent: number,
  width: number,
  moving: readonly Moving[],
  nanoseconds: number,
): Rule {
  return (args, crew) => {
    const found = cut(args[extent], nanoseconds * args[width], 4);
    if (found === null) return null;
    const perRow = moving.map(([argument, bytes]): Moving => [argument, bytes * args[width]]);
    crew.run(
      name,
      found.map((range) => part(args, extent, perRow, range)),
    );
    return undefined;
  };
}

/** Sum in order. */
export function inOrder(parts: readonly number[]): number {
  let sum = 0;
  for (const value of parts) sum += value;
  return sum;
}
