/** @file Labelled images in memory: what every data set of the library is, and checks and selections of it. */
import { check, describe, integer, list, listOf, record, refuse, text } from "../core/checks.js";
import { ArgumentError, DTypeError, FormatError, MemoryError } from "../core/errors.js";
import { bytesIn, kindOf } from "../core/typed-arrays.js";

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
  /** Height, width and channels of one image. */
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
  /** Images to learn from. */
  readonly train: ImageDataset;
  /** Images to measure on. */
  readonly test: ImageDataset;
}

/** The most images of a data set: indices are 32-bit words. */
const MOST = 2 ** 31 - 1;

/** Zeroed bytes. @throws MemoryError if there are not so many */
export function allocate(op: string, bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw new MemoryError({ op, what: "the images cannot be held in memory", expected: "less", got: `${bytes} bytes` });
  }
}

/** Refuses what are no extents of an image. @throws ArgumentError */
export function checkImageShape(op: string, shape: ImageShape): void {
  check(op, "shape", shape, listOf(integer(1, 2 ** 24), 3), "[height, width, channels]");
}

/** The bytes of pixels, on the same memory. @throws DTypeError for elements that are no bytes */
function pixelsOf(op: string, images: unknown): Uint8Array {
  const kind = kindOf(images);
  const bytes = kind === "Int8Array" ? null : bytesIn(images);
  if (bytes !== null) return bytes;
  throw new DTypeError({
    op,
    what: "bad images",
    expected: "pixels 0 … 255 in a Uint8Array",
    got: describe(images),
    hint:
      kind?.startsWith("Float") === true
        ? "values 0 … 1 become pixels by Uint8Array.from(values, (x) => Math.round(255 * x))"
        : "Uint8Array.from(values) takes integers 0 … 255 over",
  });
}

/**
 * Labels as they are if they are bytes or i32, else copied.
 * @throws DTypeError for what is no list of numbers; FormatError on a bad label
 */
function labelsOf(op: string, labels: unknown, classes: number): Uint8Array | Int32Array {
  const kind = kindOf(labels);
  if (kind?.startsWith("Big") === true || (kind === null && list(labels) !== null)) {
    const got = describe(labels);
    throw new DTypeError({ op, what: "bad labels", expected: "class numbers in a Uint8Array or an Int32Array", got });
  }
  checkLabels(labels as Int32Array, classes, op);
  if (kind === "Uint8Array" || kind === "Int32Array") return labels as Uint8Array | Int32Array;
  return Int32Array.from(labels as ArrayLike<number>);
}

function checkSizes(op: string, { shape, classes, classNames }: ImageDataset, pixels: number, count: number): void {
  const size = shape[0] * shape[1] * shape[2];
  if (pixels !== size * count) {
    throw new FormatError({
      op,
      what: "images and labels disagree",
      expected: `${count} images of ${shape.join("x")}, ${size * count} bytes, one for each label`,
      got: `${pixels} bytes`,
    });
  }
  if (classNames === undefined) return;
  check(op, "class names", classNames, listOf(text));
  if (classNames.length !== classes) {
    throw new FormatError({ op, what: "bad class names", expected: `${classes} names`, got: `${classNames.length}` });
  }
}

/**
 * Makes a data set from its arrays after checking that they fit. Bytes and i32 labels are kept, not copied; labels of
 * other integers are copied.
 * @param fields everything but the count, which the labels give
 * @param file name of the source in error messages; the data set's name by default
 * @returns the data set
 * @throws DTypeError if pixels are not bytes (real numbers, wide integers) or labels no numbers; FormatError if the
 * sizes disagree, or on a label that is no class, naming file and record; ArgumentError on other fields
 */
export function imageDataset(fields: Omit<ImageDataset, "count">, file: string = fields?.name): ImageDataset {
  check("imageDataset", "fields", fields, record);
  check("imageDataset", "name", fields.name, text);
  check("imageDataset", "file", file, text);
  checkImageShape(file, fields.shape);
  check(file, "classes", fields.classes, integer(1, MOST));
  const images = pixelsOf(file, fields.images);
  const labels = labelsOf(file, fields.labels, fields.classes);
  const dataset = { ...fields, images, labels, count: labels.length };
  checkSizes(file, dataset, images.length, labels.length);
  return dataset;
}

/**
 * Refuses what is no data set, as {@link imageDataset} does: for those that were put together by hand.
 * @throws ArgumentError, DTypeError, FormatError
 */
export function checkImageDataset(op: string, dataset: ImageDataset): void {
  check(op, "data set", dataset, record, "see imageDataset");
  const { name, shape, classes, count } = dataset;
  check(op, "name of the data set", name, text);
  checkImageShape(name, shape);
  check(name, "classes", classes, integer(1, MOST));
  const images = pixelsOf(name, dataset.images);
  const labels = labelsOf(name, dataset.labels, classes);
  check(name, "count", count, integer(labels.length, labels.length), "one image for each label");
  checkSizes(name, dataset, images.length, count);
}

/**
 * Refuses labels that are not integers in 0 … classes − 1.
 * @throws FormatError naming the file and the first bad record (counted from 0)
 */
export function checkLabels(labels: ArrayLike<number>, classes: number, file: string): void {
  check("checkLabels", "file", file, text);
  check(file, "classes", classes, integer(1));
  if (kindOf(labels) === null && list(labels) !== null) refuse(file, "labels", "class numbers", labels);
  for (let n = 0; n < labels.length; n++) {
    const label = labels[n];
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      const what = `label ${Number.isInteger(label) ? "out of range" : "is no class number"} in record ${n}`;
      throw new FormatError({ op: file, what, expected: `0 to ${classes - 1}`, got: describe(label) });
    }
  }
}

/**
 * Some images of a data set, copied.
 * @param dataset the source
 * @param which how many from the start (all, if there are fewer), or the indices to take, in order
 * @returns a data set of its own
 * @throws ArgumentError on what is no data set, a negative or fractional count, or an index out of range; MemoryError
 */
export function subset(dataset: ImageDataset, which: number | ArrayLike<number>): ImageDataset {
  checkImageDataset("subset", dataset);
  const op = `subset of ${dataset.name}`;
  const size = imageSize(dataset);
  if (typeof which === "number") {
    if (which !== Infinity) check(op, "count", which, integer(0));
    const count = Math.min(which, dataset.count);
    const images = dataset.images.slice(0, count * size);
    return { ...dataset, count, images, labels: dataset.labels.slice(0, count) };
  }
  if (kindOf(which) === null && list(which) !== null) refuse(op, "choice", "a count or a list of indices", which);
  for (let k = 0; k < which.length; k++) {
    const n = which[k];
    if (!Number.isInteger(n) || n < 0 || n >= dataset.count) {
      throw new ArgumentError({
        op,
        what: "index out of range",
        expected: `0 to ${dataset.count - 1}`,
        got: describe(n),
      });
    }
  }
  const images = allocate(op, which.length * size);
  const labels = new Int32Array(which.length);
  for (let k = 0; k < which.length; k++) {
    images.set(dataset.images.subarray(which[k] * size, (which[k] + 1) * size), k * size);
    labels[k] = dataset.labels[which[k]];
  }
  return { ...dataset, count: which.length, images, labels };
}

/** Bytes of one image: H·W·C. @throws ArgumentError without a shape */
export function imageSize(dataset: Pick<ImageDataset, "shape">): number {
  check("imageSize", "data set", dataset, record);
  const { shape } = dataset;
  checkImageShape("imageSize", shape);
  return shape[0] * shape[1] * shape[2];
}

/**
 * Number of images of each class, in label order.
 * @throws ArgumentError, DTypeError, FormatError on what is no data set
 */
export function labelHistogram(dataset: ImageDataset): number[] {
  checkImageDataset("labelHistogram", dataset);
  const counts = new Array<number>(dataset.classes).fill(0);
  for (const label of dataset.labels) counts[label]++;
  return counts;
}
