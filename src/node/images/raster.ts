/** @file What pictures become before they are cut and sized. */

/** An 8-bit image, row by row, channels interleaved (HWC). */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}
