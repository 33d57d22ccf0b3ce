/** @file Integer thresholds: the staircase of a layer as comparisons of its sums of codes. */

/**
 * From a layer's integer accumulator to its code:
 *
 *     code[c] = #{ k : acc ≥ values[c·top + k] }   if flip[c] = 0 (values rise with k)
 *     code[c] = #{ k : acc ≤ values[c·top + k] }   if flip[c] = 1 (values fall with k)
 */
export interface Thresholds {
  /** [channels, top]; monotone within a channel. */
  readonly values: Int32Array;
  /** [channels]; 1 where a larger accumulator gives a smaller code. */
  readonly flip: Uint8Array;
  /** Thresholds per channel: 2^bits − 1 of the activation. */
  readonly top: number;
}

/** Thresholds lie strictly inside ±2^30, so that every coded number below fits in 32 bits. */
export const THRESHOLD_LIMIT = 2 ** 30;

/** A channel whose thresholds step back, or null if all are monotone. */
export function unorderedChannel({ values, flip, top }: Thresholds): number | null {
  for (let c = 0; c < flip.length; c++) {
    for (let k = c * top + 1; k < (c + 1) * top; k++) {
      if (flip[c] === 0 ? values[k] < values[k - 1] : values[k] > values[k - 1]) return c;
    }
  }
  return null;
}
