/** @file Options that choose images to test on, and those images. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { DataError } from "../../core/errors.js";
import { type ImageDataset, imageDataset, subset } from "../../data/dataset.js";
import { DATASET_NAMES } from "../../data/registry.js";
import { limitPart } from "../../node/class-folder.js";
import { loadDataset } from "../../node/data-files.js";
import { FolderMaker, openImageFolder, testIsTrainingText } from "../../node/images/folder.js";
import { MAX_PIXELS } from "../../node/images/limits.js";
import { loadAudioFolder } from "../../node/sound/folder.js";
import type { PrepareOptions } from "../../node/tiny-imagenet/open.js";
import { FOLDER_SIZE, FOLDER_SOUND, folderOf, imagesName, isSound, soundFolderOf } from "../../run/images.js";
import { choice, whole } from "../../run/kinds.js";
import type { FrontEnd } from "../../sound/front-end.js";
import { dataDirOption, option } from "./option.js";
import type { ThreadsOption } from "./threads.js";

/** Options that choose images to test on. */
export interface TestImageOptions {
  data?: string;
  dataDir?: string;
  split: "test" | "train";
  /** Pixels of a picture in a folder. */
  maxPixels?: number;
  limit?: number;
  /** How the model hears, for folders of sound. */
  sound?: FrontEnd;
  /** Told that pictures to test on are those to train on. */
  warn?: (text: string) => void;
  /** Told how many pictures are decoded, where that is done once for a data set. */
  onPrepare?: PrepareOptions["onPrepare"];
  signal?: AbortSignal;
}

/** Adds --data, --data-dir, --split, --limit and --max-pixels. */
export function testImageOptions(made: Command, dataNote: string): Command {
  const data = `data set: ${DATASET_NAMES.join(", ")}, imagefolder:DIR or audiofolder:DIR (${dataNote})`;
  option(made, "--data <name>", data, imagesName);
  dataDirOption(made);
  option(made, "--split <part>", "which part: test or train", choice(["test", "train"]), "test");
  option(made, "--limit <n>", "use only the first n images", whole({ min: 1 }));
  return maxPixelsOption(made);
}

/** Adds --max-pixels. */
export function maxPixelsOption(made: Command): Command {
  const help = `pictures of more pixels are refused before they are decoded (default: ${MAX_PIXELS})`;
  return option(made, "--max-pixels <n>", help, whole({ min: 1, max: 2 ** 31 - 1 }));
}

/**
 * The images that the options name. Generated digits are those of seed 1, whatever the seed of a run: the set is one
 * set.
 *
 * @param size side of the images of a folder, as the model takes them
 * @throws DataError, FormatError if they cannot be had
 */
export async function testImages(
  name: string,
  options: TestImageOptions & Partial<ThreadsOption>,
  size?: number,
): Promise<ImageDataset> {
  const { dataDir, split, limit } = options;
  const directory = folderOf(name);
  if (directory !== undefined) return pictures(directory, options, size ?? FOLDER_SIZE);
  const sounds = soundFolderOf(name);
  if (sounds !== undefined) return recordings(sounds, options);
  const limits = split === "test" ? { train: 0, test: limit } : { train: limit, test: 0 };
  const sound = isSound(name) ? options.sound : undefined;
  const { onPrepare, signal, threads } = options;
  const prepare = { threads: typeof threads === "number" ? threads : availableParallelism(), onPrepare, signal };
  const part = (await loadDataset(name, { dataDir, limits, sound, ...prepare }))[split];
  return limit === undefined ? part : subset(part, limit);
}

/** The recordings of a folder as pictures. */
async function recordings(directory: string, options: TestImageOptions): Promise<ImageDataset> {
  const { split, limit, warn, sound = FOLDER_SOUND } = options;
  const limits = split === "test" ? { train: 1, test: limit } : { train: limit, test: 1 };
  const folder = await loadAudioFolder(directory, sound, limits);
  if (split === "test" && folder.testIsTraining) warn?.(testIsTrainingText(`audiofolder:${directory}`));
  return folder[split];
}

/** Bytes of pictures that are held at once. */
const MOST_BYTES = 2 ** 31;

/** The pictures of a folder in memory, as tests see them. */
async function pictures(
  directory: string,
  { split, limit, maxPixels, warn }: TestImageOptions,
  size: number,
): Promise<ImageDataset> {
  const folder = await openImageFolder(directory);
  if (split === "test" && folder.testIsTraining) warn?.(testIsTrainingText(`imagefolder:${directory}`));
  const part = limitPart(folder[split], limit);
  const most = Math.floor(MOST_BYTES / (3 * size * size));
  const batch = part.files.length;
  if (batch > most) {
    const what = "too many images to hold at once";
    throw new DataError({ op: directory, what, expected: `at most ${most}`, got: `${batch}`, hint: "use --limit" });
  }
  const plain = { kind: "folder", shuffle: false, seed: 0, dropLast: false, augment: false } as const;
  const { images, labels } = await new FolderMaker({ ...plain, part, size, maxPixels, batch }).batch(0, 0);
  const { name, classNames } = part;
  return imageDataset({ name, classes: classNames.length, classNames, shape: [size, size, 3], images, labels });
}
