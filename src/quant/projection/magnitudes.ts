/**
 * @file Order statistics of |w| in linear time: magnitudes in buckets of their leading bits, finished by sorting a few
 * buckets.
 */
import type { Ptr } from "../../kernels/abi.js";
import { heap } from "../../kernels/engine.js";

/** Rows up to this length are sorted whole: the table of buckets would cost more. */
export const SORT_LIMIT = 4096;

/** Buckets of equal exponent and equal 8 leading mantissa bits: as many as 16 bits have values. */
const BUCKETS = 1 << 16;
const SHIFT = 15;
const MAGNITUDE = 0x7fffffff;

/** Magnitudes |w| in ascending order, in a new array. */
export function sortedMagnitudes(weights: Ptr, length: number): Float32Array {
  // Non-negative floats are ordered as their bit patterns are.
  const bits = Int32Array.from(heap().i32(weights, length), (word) => word & MAGNITUDE);
  return new Float32Array(bits.sort().buffer);
}

/** Numbers and sums of the magnitudes in each bucket. Larger bucket, larger magnitudes. */
export interface MagnitudeTable {
  readonly counts: Uint32Array;
  /** In f64, elements in the order of the row. */
  readonly sums: Float64Array;
}

/** Sorts a row's magnitudes into buckets. */
export function magnitudeTable(weights: Ptr, length: number): MagnitudeTable {
  const counts = new Uint32Array(BUCKETS);
  const sums = new Float64Array(BUCKETS);
  const words = heap().i32(weights, length);
  const values = heap().f32(weights, length);
  for (let i = 0; i < length; i++) {
    const bucket = (words[i] & MAGNITUDE) >>> SHIFT;
    counts[bucket]++;
    sums[bucket] += Math.abs(values[i]);
  }
  return { counts, sums };
}

/** No magnitude of a bucket is larger than this. */
export function bucketEdge(bucket: number): number {
  const word = Int32Array.of((bucket << SHIFT) | ((1 << SHIFT) - 1));
  return new Float32Array(word.buffer)[0];
}

/** Magnitudes of the chosen buckets in ascending order. */
export function gather(weights: Ptr, length: number, chosen: Uint8Array): Float32Array {
  const words = heap().i32(weights, length);
  let size = 0;
  for (let i = 0; i < length; i++) size += chosen[(words[i] & MAGNITUDE) >>> SHIFT];
  const chosenWords = new Int32Array(size);
  let at = 0;
  for (let i = 0; i < length; i++) {
    const word = words[i] & MAGNITUDE;
    if (chosen[word >>> SHIFT] !== 0) chosenWords[at++] = word;
  }
  return new Float32Array(chosenWords.sort().buffer);
}

/** The k-th smallest magnitude, k from 0. */
function nthMagnitude(weights: Ptr, length: number, k: number): number {
  if (length <= SORT_LIMIT) return sortedMagnitudes(weights, length)[k];
  const { counts } = magnitudeTable(weights, length);
  let bucket = 0;
  let before = 0;
  while (before + counts[bucket] <= k) before += counts[bucket++];
  const chosen = new Uint8Array(BUCKETS);
  chosen[bucket] = 1;
  return gather(weights, length, chosen)[k - before];
}

/** Median of |w|: the middle one, or f32 mean of the two middle ones. */
export function medianMagnitude(weights: Ptr, length: number): number {
  const upper = nthMagnitude(weights, length, length >> 1);
  if (length % 2 === 1) return upper;
  return Math.fround((nthMagnitude(weights, length, (length >> 1) - 1) + upper) / 2);
}
