/** @file Sums Σ code_x·code_w: what they can be, and up to where they are exact. */

/** Largest |sum| that is an exact f32 integer in any order of summation. */
export const EXACT_LIMIT = 2 ** 24;

/** Products a sum that stay inside 32 bits, whatever the codes: 2³¹/(255·128). */
export const MAX_PATCH = 65_793;

/** Least and largest sum of each output channel. */
export interface Sums {
  readonly least: Float64Array;
  readonly most: Float64Array;
}

/**
 * What Σ code_x·code_w can be for input codes 0…top: from top·Σ of a row's negative codes to top·Σ of its positive
 * ones.
 *
 * @param codes weight codes [out, patch]
 */
export function sumsOf(codes: Int8Array, out: number, top: number): Sums {
  const patch = codes.length / out;
  const [least, most] = [new Float64Array(out), new Float64Array(out)];
  for (let row = 0; row < out; row++) {
    for (let i = row * patch; i < (row + 1) * patch; i++) {
      if (codes[i] < 0) least[row] += top * codes[i];
      else most[row] += top * codes[i];
    }
  }
  return { least, most };
}

/** Largest |sum| of any channel. */
export function largestSum({ least, most }: Sums): number {
  return least.reduce((largest, sum, c) => Math.max(largest, -sum, most[c]), 0);
}

/** Largest Σ|code| of a row: sums stay exact while (largest input code)·rowMass ≤ 2²⁴. @param codes [rows, …] */
export function rowMass(codes: ArrayLike<number>, rows: number): number {
  const length = rows === 0 ? 0 : codes.length / rows;
  let most = 0;
  for (let row = 0; row < rows; row++) {
    let mass = 0;
    for (let i = row * length; i < (row + 1) * length; i++) mass += Math.abs(codes[i]);
    most = Math.max(most, mass);
  }
  return most;
}
