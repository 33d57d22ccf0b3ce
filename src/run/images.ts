/**
 * @file What is known of the images of a run: those of a data set of the library, or those that the run's configuration
 * describes.
 */
import { ArgumentError } from "../core/errors.js";
import type { ImageDataset } from "../data/dataset.js";
import { DATASET_NAMES, type DatasetInfo, datasetInfo } from "../data/registry.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import type { Kind } from "./kinds.js";
import { unknownWord } from "./usage-error.js";

/** What the default normalization depends on. */
export type ImageConstants = Pick<DatasetInfo, "shape" | "mean" | "std">;

/** Shape, classes and customary constants of some images. */
export interface ImagesInfo extends ImageConstants {
  /** Number of classes. */
  readonly classes: number;
  /** Names of the classes, by label. */
  readonly classNames: readonly string[];
}

/** The images that a network is made for. */
export type ImageInfo = Pick<DatasetInfo, "shape" | "classes"> & Partial<Pick<DatasetInfo, "classNames">>;

/**
 * Constants of ImageNet's training images, which many public checkpoints are trained with, those for other data too.
 */
export const IMAGENET: NormalizeOptions = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const FOLDER = "imagefolder:";

/** Side of the images of a folder unless it is chosen. */
export const FOLDER_SIZE = 224;

/** The directory of `imagefolder:DIR`, or undefined for the name of a data set. */
export function folderOf(data: string): string | undefined {
  return data.startsWith(FOLDER) && data.length > FOLDER.length ? data.slice(FOLDER.length) : undefined;
}

/** Names of images: a data set of the library, or `imagefolder:DIR`. */
export const imagesName: Kind<string> = {
  read(text, option) {
    if ((DATASET_NAMES as readonly string[]).includes(text) || folderOf(text) !== undefined) return text;
    throw unknownWord(option, "unknown data set", text, [...DATASET_NAMES, "imagefolder:DIR"]);
  },
  rule: (value) => (typeof value === "string" ? null : "a string"),
  write: (text) => text,
};

/** Three channels or one; nothing is read for it. */
export function isColour(data: string): boolean {
  return folderOf(data) !== undefined || datasetInfo(data).shape[2] === 3;
}

/** What a run's configuration says of its images; nothing is looked at again. */
export function infoOf({ data, images }: { data: string; images?: Omit<ImagesInfo, "mean" | "std"> }): ImagesInfo {
  return images === undefined ? datasetInfo(data) : { ...images, ...IMAGENET };
}

/**
 * Refuses images that a model was not made for.
 *
 * @param shape [H, W, C] of the model's input
 * @param classes number of its outputs
 * @throws ArgumentError
 */
export function checkFits(
  op: string,
  data: Pick<ImageDataset, "name" | "shape" | "classes">,
  shape: readonly number[],
  classes: number,
): void {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new ArgumentError({ op, what: `the model does not ${what} of ${data.name}`, expected, got });
  };
  const [wanted, own] = [shape.join("×"), data.shape.join("×")];
  if (wanted !== own) refuse("take the images", wanted, own);
  if (classes !== data.classes) refuse("have the classes", `${data.classes} outputs`, `${classes}`);
}
