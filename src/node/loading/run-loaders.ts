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
import type { MemorySpec } from "./maker.js";
import { PrefetchLoader, shareable } from "./prefetch.js";
import type { LoaderSpec } from "./worker.js";

/** Loaders whose threads `close` ends. */
export interface OpenedLoaders extends RunLoaders {
  close(): Promise<void>;
}

/** Where the images of a run are, and how they are read. */
export interface LoaderOptions extends ImageLimits {
  /** A data directory to look in first. */
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

/** What the loaders of a run are made from, and the threads that prepare batches: plain data, for ranks that are workers. */
export type LoaderSpecs = Readonly<Record<keyof RunLoaders, { readonly spec: LoaderSpec; readonly workers: number }>>;

/**
 * Opens the images of a run, as `createRun` takes them. Batches do not depend on the number of workers.
 *
 * @returns to be closed by the caller
 * @throws DataError, FormatError if they cannot be had
 */
export async function openLoaders(config: RunConfig, options: LoaderOptions = {}): Promise<OpenedLoaders> {
  return loadersOf(await loaderSpecs(config, options));
}

/** Loaders of specifications. @returns to be closed by the caller */
export function loadersOf(specs: LoaderSpecs): OpenedLoaders {
  const open = (key: keyof RunLoaders): PrefetchLoader => new PrefetchLoader(specs[key].spec, specs[key].workers);
  const loaders = { train: open("train"), calibration: open("calibration"), test: open("test") };
  return {
    ...loaders,
    close: async () => {
      for (const loader of Object.values(loaders)) await loader.close();
    },
  };
}

/** The same with pixels in memory that all threads see, once. */
export function sharedSpecs(specs: LoaderSpecs): LoaderSpecs {
  const known = new Map<Uint8Array, LoaderSpec>();
  const shared = (spec: LoaderSpec): LoaderSpec => {
    if (spec.kind === "folder") return spec;
    const { dataset } = (known.get(spec.dataset.images) ?? shareable(spec)) as MemorySpec;
    const own = { ...spec, dataset };
    known.set(spec.dataset.images, own);
    return own;
  };
  const part = (key: keyof RunLoaders) => ({ ...specs[key], spec: shared(specs[key].spec) });
  return { train: part("train"), calibration: part("calibration"), test: part("test") };
}

/**
 * What the loaders of a run are made from.
 *
 * @throws DataError, FormatError if the images cannot be had
 */
export async function loaderSpecs(config: RunConfig, options: LoaderOptions = {}): Promise<LoaderSpecs> {
  config = parseConfig(config, "openLoaders: config");
  checkOptions<LoaderOptions>("openLoaders", options, {
    dataDir: text,
    workers: integer(0, 64),
    maxPixels: integer(1),
  });
  const { dataDir, workers = 0, maxPixels } = options;
  const limits = { train: config.limit ?? undefined, test: config.testLimit ?? undefined };
  const directory = folderOf(config.data);
  return directory === undefined
    ? inMemory(config, limits, dataDir, workers)
    : ofPictures(config, limits, directory, workers, maxPixels);
}

type Limits = Readonly<Record<"train" | "test", number | undefined>>;

async function inMemory(
  config: RunConfig,
  limits: Limits,
  dataDir: string | undefined,
  workers: number,
): Promise<LoaderSpecs> {
  const { train, test } = await loadDataset(config.data, { dataDir, limits });
  const plans = loaderPlans(config, train.count);
  const memory = { kind: "memory", dataset: train } as const;
  return {
    train: { spec: { ...memory, ...plans.train }, workers },
    calibration: { spec: { ...memory, ...plans.calibration }, workers: 0 },
    test: { spec: { ...memory, dataset: test, ...plans.test }, workers: 0 },
  };
}

async function ofPictures(
  config: RunConfig,
  limits: Limits,
  directory: string,
  workers: number,
  maxPixels: number | undefined,
): Promise<LoaderSpecs> {
  const folder = await openImageFolder(directory);
  const [train, test] = [limitPart(folder.train, limits.train), limitPart(folder.test, limits.test)];
  const size = infoOf(config).shape[0];
  const plans = loaderPlans(config, train.files.length, FOLDER_BATCH);
  const open = (part: FolderPart, { augment, ...plan }: LoaderPlan, threads: number) => ({
    spec: { kind: "folder", part, size, maxPixels, ...plan, augment: augment === "crop-flip" } as const,
    workers: threads,
  });
  return {
    train: open(train, plans.train, workers),
    calibration: open(train, plans.calibration, 0),
    test: open(test, plans.test, workers),
  };
}
