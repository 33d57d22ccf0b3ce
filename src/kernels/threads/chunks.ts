/**
 * @file How work is cut into chunks. Boundaries depend on the size of the problem alone, never on the number of
 * threads; and no cut changes the order in which anything is added up.
 */
import type { Pool, Workspace } from "./pool.js";

/** What splitting costs, in estimated nanoseconds of work. */
export interface Grain {
  /** Below this a kernel runs whole, on the calling thread: waking a worker costs about as much. */
  readonly least: number;
  /** The smallest chunk. */
  readonly chunk: number;
  /** Units that a chunk holds a multiple of, whatever a split says. */
  readonly multiple?: number;
}

/** What waking a worker costs. */
export const GRAIN: Grain = { least: 30_000, chunk: 8_000 };

/** Most chunks: several for each thread, so that one thread that is interrupted does not hold up the others. */
export const MOST_CHUNKS = 24;

/** What rules use to run parts of kernels. */
export interface Crew {
  readonly threads: number;
  readonly grain: Grain;
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
 * @param wanted all ranges but the last one hold a multiple of this many units
 * @returns at least two ranges, or null if it is not worth it
 */
export function cut(grain: Grain, units: number, nanoseconds: number, wanted = 1): Range[] | null {
  const { least, chunk, multiple = wanted } = grain;
  const total = units * nanoseconds;
  if (total < least || total === 0) return null;
  const most = Math.min(MOST_CHUNKS, Math.floor(total / chunk));
  const size = Math.ceil(units / most / multiple) * multiple;
  return size >= units ? null : ranges(units, size);
}

/** Ranges of `size` units that cover 0 … units−1. */
export function ranges(units: number, size: number): Range[] {
  const all: Range[] = [];
  for (let start = 0; start < units; start += size) all.push({ start, count: Math.min(size, units - start) });
  return all;
}

/** Sum in order. */
export function inOrder(parts: readonly number[]): number {
  let sum = 0;
  for (const value of parts) sum += value;
  return sum;
}
