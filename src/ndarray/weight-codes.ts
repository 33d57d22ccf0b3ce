/** @file Weights and their i8 codes, row by row, and counts of codes. Arrays are trusted to be live and of one size. */
import { heap, kernelsFor } from "../kernels/engine.js";
import { NDArray } from "./ndarray.js";
import { withScratch } from "./scratch.js";

/** A row of f32 weights and its codes, as kernels take them: addresses, good while both arrays live. */
export interface RowAddresses {
  readonly weights: number;
  readonly codes: number;
  readonly length: number;
}

/** What `fn` gives for each of `rows` equal parts of f32 weights and the codes beside them. */
export function mapRows(
  weights: NDArray,
  codes: NDArray,
  rows: number,
  fn: (row: RowAddresses) => number,
): Float32Array {
  const length = rows === 0 ? 0 : weights.size / rows;
  const results = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const at = row * length;
    results[row] = fn({ weights: weights.ptr + 4 * at, codes: codes.ptr + at, length });
  }
  return results;
}

/** f32(δ·code). @param delta one δ, or one for each of as many equal parts */
export function scaledCodes(codes: NDArray, delta: Float32Array): NDArray {
  const out = NDArray.empty(codes.shape);
  const kernels = kernelsFor("f32");
  const length = delta.length === 0 ? 0 : codes.size / delta.length;
  delta.forEach((step, row) => {
    const at = row * length;
    kernels.i8_dequantize(codes.ptr + at, out.ptr + 4 * at, length, step);
  });
  return out;
}

/** Number of places in which two i8 arrays differ. */
export function countDifferent(a: NDArray, b: NDArray): number {
  return kernelsFor("f32").i8_count_different(a.ptr, b.ptr, a.size);
}

/** Adds to `counts` how often each of the codes 0, 1, … occurs. */
export function addHistogram(counts: Float64Array, codes: NDArray): void {
  withScratch(4 * 256, (histogram) => {
    heap().i32(histogram, 256).fill(0);
    kernelsFor("f32").u8_histogram(codes.ptr, codes.size, histogram);
    const numbers = heap().i32(histogram, 256);
    for (let code = 0; code < counts.length; code++) counts[code] += numbers[code];
  });
}
