/**
 * @file The loaders of a training run from its data folder: images in memory, or pictures that are decoded as they are
 * needed.
 */
import { checkOptions, integer, text } from "../../core/checks.js";
import { type ImageDataset, subset } from "../../data/dataset.js";
import { parseConfig, type RunConfig } from "../../run/config.js";
import { folderOf, infoOf } from "../../run/images.js";
import { heldOut, type LoaderPlan, loaderPlans, type RunLoaders } from "../../run/loaders.js";
import { loadDataset } from "../data-files.js";
import { type FolderPart, type ImageFolder, limitPart, openImageFolder, partOf } from "../images/folder.js";
import type { ImageLimits } from "../images/limits.js";
import { PrefetchLoader } from "./prefetch.js";

/** Loaders whose threads `close` ends. */
export interface OpenedLoaders extends RunLoaders {
  /** The test images are the training images: an image folder without any to test on. */
  readonly testIsTraining: boolean;
  close(): Promise<void>;
}

/** Where the images of a run are, and how they are read. */
export interface LoaderOptions extends ImageLimits {
  /** The data directory to look in, and in no other. */
  readonly dataDir?: string;
  /**
   * Threads that prepare batches.
   * @default 0. For images in memory they hardly pay: cropping and mirroring a batch takes a few milliseconds. They run
   * the file that this library is in: not for programs that are bundled into one file with it, unless that file does
   * nothing else in a worker.
   */
  readonly workers?: number;
}

/** Photographs are large: fewer at once. */
const FOLDER_BATCH = 32;

/**
 * Opens the images of a run, as `createRun` takes them. Batches do not depend on the number of workers.
 *
 * @returns to be closed by the caller
 * @throws DataError, FormatError if they cannot be had
 */
export async function openLoaders(config: RunConfig, options: LoaderOptions = {}): Promise<OpenedLoaders> {
  config = parseConfig(config, "openLoaders: config");
  checkOptions<LoaderOptions>("openLoaders", options, {
    dataDir: text,
    workers: integer(0, 64),
    maxPixels: integer(1),
  });
  const { dataDir, workers = 0, maxPixels } = options;
  const limits = { train: config.limit ?? undefined, test: config.testLimit ?? undefined };
  const directory = folderOf(config.data);
  const folder = directory === undefined ? null : await openImageFolder(directory);
  const loaders =
    folder === null
      ? await inMemory(config, limits, dataDir, workers)
      : ofPictures(config, limits, folder, workers, maxPixels);
  return {
    ...loaders,
    testIsTraining: folder?.testIsTraining ?? false,
    close: async () => {
      for (const loader of Object.values(loaders)) await loader?.close();
    },
  };
}

type Limits = Readonly<Record<"train" | "test", number | undefined>>;
type Loaders = Readonly<{ [Part in keyof RunLoaders]: PrefetchLoader }>;

async function inMemory(
  config: RunConfig,
  limits: Limits,
  dataDir: string | undefined,
  workers: number,
): Promise<Loaders> {
  const { train: all, test } = await loadDataset(config.data, { dataDir, limits });
  const apart = heldOut(config, all.count);
  const train = apart === null ? all : subset(all, apart.train);
  const plans = loaderPlans(config, train.count);
  const open = (dataset: ImageDataset, plan: LoaderPlan, threads = 0): PrefetchLoader =>
    new PrefetchLoader({ kind: "memory", dataset, ...plan }, threads);
  return {
    train: open(train, plans.train, workers),
    calibration: open(train, plans.calibration),
    test: open(test, plans.test),
    ...(apart !== null && { validation: open(subset(all, apart.validation), plans.validation) }),
  };
}

function ofPictures(
  config: RunConfig,
  limits: Limits,
  folder: ImageFolder,
  workers: number,
  maxPixels: number | undefined,
): Loaders {
  const [all, test] = [limitPart(folder.train, limits.train), limitPart(folder.test, limits.test)];
  const apart = heldOut(config, all.files.length);
  const train = apart === null ? all : partOf(all, apart.train);
  const size = infoOf(config).shape[0];
  const plans = loaderPlans(config, train.files.length, FOLDER_BATCH);
  const open = (part: FolderPart, { augment, ...plan }: LoaderPlan, threads: number): PrefetchLoader =>
    new PrefetchLoader({ kind: "folder", part, size, maxPixels, ...plan, augment: augment === "crop-flip" }, threads);
  return {
    train: open(train, plans.train, workers),
    calibration: open(train, plans.calibration, 0),
    test: open(test, plans.test, workers),
    ...(apart !== null && { validation: open(partOf(all, apart.validation), plans.validation, workers) }),
  };
}
