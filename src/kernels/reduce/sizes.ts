/** @file Blocks of the long sums, which are added in order. Read by both languages: numbers alone. */

/** Elements of a block of a sum over a whole array, and, if rows are short, of one over rows. */
export const SUM_BLOCK = 65536;
/** Rows of a block of a sum over rows, at least. */
export const SUM_LEAST_ROWS = 64;
