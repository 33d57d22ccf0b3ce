/** @file Data sets for commands: names checked, parts and limits chosen, and whether a model can take their images. */
import type { Command } from "commander";
import { ArgumentError } from "../core/errors.js";
import { type ImageDataset, subset } from "../data/dataset.js";
import { DATASET_NAMES } from "../data/registry.js";
import { loadDataset } from "../node/data-files.js";
import { unknownWord } from "./failure.js";
import { oneOf, wholeNumber } from "./values.js";

/** Options that choose images to test on. */
export interface TestImageOptions {
  data?: string;
  dataDir?: string;
  split: "test" | "train";
  limit?: number;
}

/** Reads a data set's name. */
export function dataName(text: string): string {
  if ((DATASET_NAMES as readonly string[]).includes(text)) return text;
  throw unknownWord("--data", "unknown data set", text, DATASET_NAMES);
}

/** Adds --data, --data-dir, --split and --limit. */
export function testImageOptions(made: Command, dataNote: string): Command {
  return made
    .option("--data <name>", `data set: ${DATASET_NAMES.join(", ")} (${dataNote})`, dataName)
    .option("--data-dir <dir>", "a data directory to look in first")
    .option("--split <part>", "which part: test or train", oneOf("--split", ["test", "train"]), "test")
    .option("--limit <n>", "use only the first n images", wholeNumber("--limit", { min: 1 }));
}

/**
 * The images that the options name. Generated digits are those of seed 1, whatever the seed of a run: the set is one set.
 *
 * @throws DataError, FormatError if they cannot be had
 */
export async function testImages(name: string, options: TestImageOptions): Promise<ImageDataset> {
  const { dataDir, split, limit } = options;
  const limits = split === "test" ? { train: 0, test: limit } : { train: limit, test: 0 };
  const part = (await loadDataset(name, { dataDir, limits }))[split];
  return limit === undefined ? part : subset(part, limit);
}

/**
 * Refuses a data set that a model was not made for.
 *
 * @param shape [H, W, C] of the model's input
 * @param classes number of its outputs
 * @throws ArgumentError
 */
export function checkFits(op: string, data: ImageDataset, shape: readonly number[], classes: number): void {
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
