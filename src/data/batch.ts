/** @file What loaders of images give. */

/** Some images and their labels; plain arrays, which the receiver owns. */
export interface Batch {
  /** Pixels, [count, H, W, C]. */
  readonly images: Uint8Array;
  /** Labels, [count]. */
  readonly labels: Int32Array;
  /** Where in the data set each image comes from, [count]. */
  readonly indices: Uint32Array;
  /** Number of images. */
  readonly count: number;
  /** [count, H, W, C]. */
  readonly shape: readonly [number, number, number, number];
  /** The epoch, counted from 0. */
  readonly epoch: number;
  /** The batch within the epoch, counted from 0. */
  readonly index: number;
  /** Where this part of a batch stands in it; absent: this is the whole. */
  readonly part?: BatchPart;
}

/** A part of a batch. */
export interface BatchPart {
  /** Images of the batch before it. */
  readonly start: number;
  /** Images of the whole batch. */
  readonly whole: number;
}
