/** @file Sizes that products sum and pack by. Read by both languages: numbers alone. */

/** Products are summed in blocks of this many k; the blocks' sums are then added in order. */
export const GEMM_BLOCK = 384;
/** Codes of at most 15 that a u16 can sum: the longest run of a look-up product. */
export const LOOKUP_RUN = 4368;
/** Filters of a block of weights packed by bit planes. */
export const LOOKUP_FILTERS = 16;
