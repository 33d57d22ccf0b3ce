/** @file Sizes that convolutions sum and pack by. Read by both languages: numbers alone. */

/** Bytes of packed patches that stay in the second-level cache beside the weights. */
export const SUM_BYTES = 163840;
/** Rows of a block of the weights' gradient, each a sum of its own: at least, and at most. */
export const SUM_LEAST_ROWS = 32;
export const SUM_MOST_ROWS = 256;
/** Filters of a block of weights packed in quads. */
export const QUAD_FILTERS = 8;
/** Numbers of a quad. */
export const QUAD = 4;
/** Bytes before packed quads: their largest magnitude, as i32. */
export const QUAD_HEADER = 16;
