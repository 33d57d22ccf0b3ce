/**
 * @file The loaders of a training run from its data folder: images in memory, or pictures that are decoded as they are
 * needed.
 */
import { checkOptions, integer, text } from "../../core/checks.js";
import { parseConfig, type RunConfig } from "../../run/config.js";
import { folderOf, infoOf } from "../../run/images.js";
import { type LoaderPlan, loaderPlans, type RunLoaders } from "../../run/loaders.js";
import { loadDataset } from "../data-files.js";
import { type FolderPart, limitPart, openImageFolder } from "../images/folder.js";
import type { ImageLimits } from "../images/limits.js";
import { PrefetchLoader } from "./prefetch.js";

/** Loaders whose threads `close` ends. */
export interface OpenedLoaders extends RunLoaders {
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
  const loaders =
    directory === undefined
      ? await inMemory(config, limits, dataDir, workers)
      : await ofPictures(config, limits, directory, workers, maxPixels);
  return {
    ...loaders,
    close: async () => {
      for (const loader of Object.values(loaders)) await loader.close();
    },
  };
}

type Limits = Readonly<Record<"train" | "test", number | undefined>>;
type Loaders = Readonly<Record<keyof RunLoaders, PrefetchLoader>>;

async function inMemory(
  config: RunConfig,
  limits: Limits,
  dataDir: string | undefined,
  workers: number,
): Promise<Loaders> {
  const { train, test } = await loadDataset(config.data, { dataDir, limits });
  const plans = loaderPlans(config, train.count);
  const memory = { kind: "memory", dataset: train } as const;
  return {
    train: new PrefetchLoader({ ...memory, ...plans.train }, workers),
    calibration: new PrefetchLoader({ ...memory, ...plans.calibration }, 0),
    test: new PrefetchLoader({ ...memory, dataset: test, ...plans.test }, 0),
  };
}

async function ofPictures(
  config: RunConfig,
  limits: Limits,
  directory: string,
  workers: number,
  maxPixels: number | undefined,
): Promise<Loaders> {
  const folder = await openImageFolder(directory);
  const [train, test] = [limitPart(folder.train, limits.train), limitPart(folder.test, limits.test)];
  const size = infoOf(config).shape[0];
  const plans = loaderPlans(config, train.files.length, FOLDER_BATCH);
  const open = (part: FolderPart, { augment, ...plan }: LoaderPlan, threads: number): PrefetchLoader =>
    new PrefetchLoader({ kind: "folder", part, size, maxPixels, ...plan, augment: augment === "crop-flip" }, threads);
  return {
    train: open(train, plans.train, workers),
    calibration: open(train, plans.calibration, 0),
    test: open(test, plans.test, workers),
  };
}
