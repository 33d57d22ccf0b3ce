/** @file Labelled images in memory: what every data set of the library is, and checks and selections of it. */
import { ArgumentError, FormatError } from "../core/errors.js";

/** Extents of one image: height, width, channels. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** Labelled 8-bit images, all of one shape. */
export interface ImageDataset {
  /** Name for messages and reports, such as `mnist/train`. */
  readonly name: string;
  /** Number of classes; labels are 0 … classes − 1. */
  readonly classes: number;
  /** Names of the classes in label order. */
  readonly classNames?: readonly string[];
  readonly shape: ImageShape;
  /** Number of images. */
  readonly count: number;
  /** Pixels, [count, H, W, C] row-major, 0 … 255. */
  readonly images: Uint8Array;
  /** Labels, [count]. */
  readonly labels: Uint8Array | Int32Array;
}

/** The two parts of a data set. */
export interface DatasetSplits {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
}

/**
 * Makes a data set from its arrays (kept, not copied) after checking that they fit.
 * @param fields everything but the count, which the labels give
 * @param file name of the source in error messages; the data set's name by default
 * @returns the data set
 * @throws FormatError if the sizes disagree, or on a label out of range, naming file and record
 */
export function imageDataset(fields: Omit<ImageDataset, "count">, file: string = fields.name): ImageDataset {
  const { shape, images, labels } = fields;
  const size = shape[0] * shape[1] * shape[2];
  if (images.length !== size * labels.length) {
    throw new FormatError({
      op: file,
      what: "images and labels disagree",
      expected: `${labels.length} images of ${shape.join("x")}, ${size * labels.length} bytes, one for each label`,
      got: `${images.length} bytes`,
    });
  }
  if (fields.classNames !== undefined && fields.classNames.length !== fields.classes) {
    const got = `${fields.classNames.length}`;
    throw new FormatError({ op: file, what: "bad class names", expected: `${fields.classes} names`, got });
  }
  checkLabels(labels, fields.classes, file);
  return { ...fields, count: labels.length };
}

/**
 * Refuses labels outside 0 … classes − 1.
 * @throws FormatError naming the file and the first bad record (counted from 0)
 */
export function checkLabels(labels: Uint8Array | Int32Array, classes: number, file: string): void {
  for (let n = 0; n < labels.length; n++) {
    if (labels[n] < 0 || labels[n] >= classes) {
      const what = `label out of range in record ${n}`;
      throw new FormatError({ op: file, what, expected: `0 to ${classes - 1}`, got: `${labels[n]}` });
    }
  }
}

/**
 * Some images of a data set, copied.
 * @param dataset the source
 * @param which how many from the start (all, if there are fewer), or the indices to take, in order
 * @returns a data set of its own
 * @throws ArgumentError on a negative or fractional count, or an index out of range
 */
export function subset(dataset: ImageDataset, which: number | ArrayLike<number>): ImageDataset {
  const bad = (what: string, expected: string, got: number) =>
    new ArgumentError({ op: `subset of ${dataset.name}`, what, expected, got: `${got}` });
  if (typeof which === "number") {
    if (which < 0 || !(Number.isInteger(which) || which === Infinity)) throw bad("bad count", "an integer >= 0", which);
    const count = Math.min(which, dataset.count);
    const images = dataset.images.slice(0, count * imageSize(dataset));
    return { ...dataset, count, images, labels: dataset.labels.slice(0, count) };
  }
  const size = imageSize(dataset);
  const images = new Uint8Array(which.length * size);
  const labels = new Int32Array(which.length);
  for (let k = 0; k < which.length; k++) {
    const n = which[k];
    if (!Number.isInteger(n) || n < 0 || n >= dataset.count) {
      throw bad("index out of range", `0 to ${dataset.count - 1}`, n);
    }
    images.set(dataset.images.subarray(n * size, (n + 1) * size), k * size);
    labels[k] = dataset.labels[n];
  }
  return { ...dataset, count: which.length, images, labels };
}

/** Bytes of one image: H·W·C. */
export function imageSize(dataset: Pick<ImageDataset, "shape">): number {
  return dataset.shape[0] * dataset.shape[1] * dataset.shape[2];
}

/** Number of images of each class, in label order. */
export function labelHistogram(dataset: ImageDataset): number[] {
  const counts = new Array<number>(dataset.classes).fill(0);
  for (const label of dataset.labels) counts[label]++;
  return counts;
}
