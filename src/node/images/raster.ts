/** @file What pictures become before they are cut and sized. */

/** An 8-bit image, row by row, channels interleaved (HWC). */
export interface Raster {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: 1 | 3;
  /** Bytes, row by row, channel fastest. */
  readonly pixels: Uint8Array;
}
