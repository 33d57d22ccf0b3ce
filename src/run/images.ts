/**
 * @file What is known of the images of a run: those of a data set of the library, or those that the run's configuration
 * describes.
 */
import { ArgumentError } from "../core/errors.js";
import type { ImageDataset } from "../data/dataset.js";
import { DATASET_NAMES, type DatasetInfo, datasetInfo, isDatasetName } from "../data/registry.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import type { FrontEnd } from "../sound/front-end.js";
import { levelled, SPEECH_16K } from "../sound/front-ends.js";
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
  /** Of sound: how the pictures are made. */
  readonly sound?: FrontEnd;
}

/** The images that a network is made for. */
export type ImageInfo = Pick<DatasetInfo, "shape" | "classes"> & Partial<Pick<DatasetInfo, "classNames" | "sound">>;

/**
 * Constants of ImageNet's training images, which many public checkpoints are trained with, those for other data too.
 */
export const IMAGENET: NormalizeOptions = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const FOLDER = "imagefolder:";
const SOUNDS = "audiofolder:";

/** How the sound of a folder is heard. */
export const FOLDER_SOUND: FrontEnd = SPEECH_16K;

/** Constants that pictures of sound are normalized with, where that is asked for. */
const PLAIN: NormalizeOptions = { mean: [0.5], std: [0.25] };

/** Side of the images of a folder unless it is chosen. */
export const FOLDER_SIZE = 224;

const behind = (prefix: string, data: string): string | undefined =>
  data.startsWith(prefix) && data.length > prefix.length ? data.slice(prefix.length) : undefined;

/** The directory of `imagefolder:DIR`, or undefined for other names. */
export function folderOf(data: string): string | undefined {
  return behind(FOLDER, data);
}

/** The directory of `audiofolder:DIR`, or undefined for other names. */
export function soundFolderOf(data: string): string | undefined {
  return behind(SOUNDS, data);
}

/** Whether the pictures are made of sound; nothing is read for it. */
export function isSound(data: string): boolean {
  return soundFolderOf(data) !== undefined || (isDatasetName(data) && datasetInfo(data).sound !== undefined);
}

/** What a run's configuration keeps of images from a folder of sound. */
export function soundImages(sound: FrontEnd, classNames: readonly string[]): ImagesInfo {
  return { shape: [sound.frames, sound.bands, 1], classes: classNames.length, classNames, sound, ...PLAIN };
}

/** Names of images: a data set of the library, `imagefolder:DIR`, or `audiofolder:DIR`. */
export const imagesName: Kind<string> = {
  read(text, option) {
    if (isDatasetName(text) || (folderOf(text) ?? soundFolderOf(text)) !== undefined) return text;
    const splits = DATASET_NAMES.flatMap((name) => datasetInfo(name).splits ?? []);
    throw unknownWord(option, "unknown data set", text, [...DATASET_NAMES, ...splits, `${FOLDER}DIR`, `${SOUNDS}DIR`]);
  },
  rule: (value) => (typeof value === "string" ? null : "a string"),
  write: (text) => text,
};

/** Three channels or one; nothing is read for it. */
export function isColour(data: string): boolean {
  if (soundFolderOf(data) !== undefined) return false;
  return folderOf(data) !== undefined || datasetInfo(data).shape[2] === 3;
}

/** What a run's configuration says of its images; nothing is looked at again. */
export function infoOf({
  data,
  images,
  range,
}: {
  data: string;
  images?: Omit<ImagesInfo, "mean" | "std">;
  range?: number;
}): ImagesInfo {
  const info: ImagesInfo =
    images === undefined ? datasetInfo(data) : { ...images, ...(images.sound === undefined ? IMAGENET : PLAIN) };
  return info.sound === undefined || range === undefined ? info : { ...info, sound: levelled(info.sound, range) };
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
