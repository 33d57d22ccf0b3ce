/** @file Batches put together from single images: where the images lie does not matter to the bits. */
import type { ImageShape } from "./dataset.js";
import type { Batch } from "./loader.js";
import type { LoaderStreams } from "./streams.js";
import type { ImageTransform } from "./transforms.js";

/** Labelled images, wherever they lie. */
export interface ImageSource {
  readonly shape: ImageShape;
  label(n: number): number;
  /** Writes the pixels of image n. */
  read(n: number, pixels: Uint8Array): void;
}

/** Which images, and what becomes of them. */
export interface BatchRecipe {
  readonly epoch: number;
  readonly index: number;
  /** The images, in order; the batch has them. */
  readonly indices: Uint32Array;
  readonly transforms: readonly ImageTransform[];
  readonly streams: LoaderStreams;
}

/** The batch. Transforms of image n draw from streams that depend on seed, epoch and n only. */
export function assembleBatch(source: ImageSource, recipe: BatchRecipe): Batch {
  const { epoch, index, indices, transforms, streams } = recipe;
  const { shape } = source;
  const size = shape[0] * shape[1] * shape[2];
  const count = indices.length;
  const images = new Uint8Array(count * size);
  const labels = new Int32Array(count);
  const augmentation = transforms.length > 0 ? streams.augmentation(epoch) : null;
  for (let k = 0; k < count; k++) {
    const n = indices[k];
    const pixels = images.subarray(k * size, (k + 1) * size);
    source.read(n, pixels);
    labels[k] = source.label(n);
    if (augmentation === null) continue;
    const stream = augmentation.fork(n);
    transforms.forEach((transform, t) => {
      transform.apply(pixels, shape, stream.fork(t));
    });
  }
  return { images, labels, indices, count, shape: [count, ...shape], epoch, index };
}
