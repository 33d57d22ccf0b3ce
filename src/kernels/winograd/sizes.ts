/** @file Sizes of Winograd's algorithm. Read by both languages: numbers alone. */

/** Points of a tile: six on each axis. */
export const POINTS = 36;
/** Columns of a panel of packed points. */
export const PANEL = 8;
/** Bytes of scratch that the transforms of weights need. */
export const TRANSFORM_WORK = 2048;
/**
 * Elements of one plane of a block of the weights' gradient, of the larger of x and dy. Larger ones lose more to the
 * caches than they save.
 */
export const SUM_ELEMENTS = 1024;
/** Tiles of such a block, in fours: at least, and at most. */
export const SUM_LEAST_FOURS = 4;
export const SUM_MOST_FOURS = 64;
