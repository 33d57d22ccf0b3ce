/** @file Ranking: which of several outputs is the answer. */

/** Index of the largest of `count` values from `first`; the first of equals. */
export function largestAt(values: ArrayLike<number>, first = 0, count: number = values.length): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[first + i] > values[first + best]) best = i;
  return best;
}

/**
 * How many of `count` values from `first` rank above the one at `label`: larger ones, and equal ones before it. NaN
 * ranks above all others, and ∞ values above a label's own NaN, so that a broken network is never right.
 */
export function rankOf(values: ArrayLike<number>, label: number, first = 0, count: number = values.length): number {
  const own = values[first + label];
  if (Number.isNaN(own)) return Number.POSITIVE_INFINITY;
  let above = 0;
  for (let c = 0; c < count; c++) {
    const other = values[first + c];
    if (c !== label && !(other < own || (other === own && c > label))) above++;
  }
  return above;
}
