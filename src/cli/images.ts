/** @file Data sets for commands: names checked, parts and limits chosen, and whether a model can take their images. */
import type { Command } from "commander";
import { ArgumentError, DataError } from "../core/errors.js";
import { type ImageDataset, imageDataset, subset } from "../data/dataset.js";
import { DATASET_NAMES } from "../data/registry.js";
import { loadDataset } from "../node/data-files.js";
import { FOLDER_SIZE, folderOf } from "./data-info.js";
import { unknownWord } from "./failure.js";
import { MAX_PIXELS } from "./image-limits.js";
import { FolderMaker, limitPart, openImageFolder } from "./loading/folder.js";
import { oneOf, wholeNumber } from "./values.js";

/** Options that choose images to test on. */
export interface TestImageOptions {
  data?: string;
  dataDir?: string;
  split: "test" | "train";
  /** Pixels of a picture in a folder. */
  maxPixels?: number;
  limit?: number;
}

/** Reads a data set's name. */
export function dataName(text: string): string {
  if ((DATASET_NAMES as readonly string[]).includes(text) || folderOf(text) !== undefined) return text;
  throw unknownWord("--data", "unknown data set", text, [...DATASET_NAMES, "imagefolder:DIR"]);
}

/** Adds --data, --data-dir, --split and --limit. */
export function testImageOptions(made: Command, dataNote: string): Command {
  return made
    .option("--data <name>", `data set: ${DATASET_NAMES.join(", ")}, or imagefolder:DIR (${dataNote})`, dataName)
    .option("--data-dir <dir>", "a data directory to look in first")
    .option("--split <part>", "which part: test or train", oneOf("--split", ["test", "train"]), "test")
    .option("--limit <n>", "use only the first n images", wholeNumber("--limit", { min: 1 }))
    .option("--max-pixels <n>", MAX_PIXELS_TEXT, maxPixelsNumber);
}

/**
 * The images that the options name. Generated digits are those of seed 1, whatever the seed of a run: the set is one set.
 *
 * @param size side of the images of a folder, as the model takes them
 * @throws DataError, FormatError if they cannot be had
 */
export async function testImages(name: string, options: TestImageOptions, size?: number): Promise<ImageDataset> {
  const { dataDir, split, limit } = options;
  const directory = folderOf(name);
  if (directory !== undefined) return pictures(directory, options, size ?? FOLDER_SIZE);
  const limits = split === "test" ? { train: 0, test: limit } : { train: limit, test: 0 };
  const part = (await loadDataset(name, { dataDir, limits }))[split];
  return limit === undefined ? part : subset(part, limit);
}

/** Reads and explains --max-pixels. */
export const maxPixelsNumber = wholeNumber("--max-pixels", { min: 1, max: 2 ** 31 - 1 });
export const MAX_PIXELS_TEXT = `pictures of more pixels are refused before they are decoded (default: ${MAX_PIXELS})`;

/** Bytes of pictures that are held at once. */
const MOST_BYTES = 2 ** 31;

/** The pictures of a folder in memory, as tests see them. */
async function pictures(
  directory: string,
  { split, limit, maxPixels }: TestImageOptions,
  size: number,
): Promise<ImageDataset> {
  const part = limitPart((await openImageFolder(directory))[split], limit);
  const most = Math.floor(MOST_BYTES / (3 * size * size));
  if (part.files.length > most) {
    const got = `${part.files.length}`;
    throw new DataError({
      op: directory,
      what: "too many images to hold at once",
      expected: `at most ${most}`,
      got,
      hint: "use --limit",
    });
  }
  const plain = { kind: "folder", shuffle: false, seed: 0, dropLast: false, augment: false } as const;
  const { images, labels, shape } = await new FolderMaker({
    ...plain,
    part,
    size,
    maxPixels,
    batch: part.files.length,
  }).batch(0, 0);
  const { name, classNames } = part;
  const [, height, width, channels] = shape;
  return imageDataset({
    name,
    classes: classNames.length,
    classNames,
    shape: [height, width, channels],
    images,
    labels,
  });
}

/**
 * Refuses a data set that a model was not made for.
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
  if (shape.join("×") !== data.shape.join("×")) {
    throw new ArgumentError({
      op,
      what: `the model does not take the images of ${data.name}`,
      expected: shape.join("×"),
      got: data.shape.join("×"),
    });
  }
  if (classes !== data.classes) {
    throw new ArgumentError({
      op,
      what: `the model does not have the classes of ${data.name}`,
      expected: `${data.classes} outputs`,
      got: `${classes}`,
    });
  }
}
