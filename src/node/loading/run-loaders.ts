/**
 * @file The loaders of a training run from its data folder: images in memory, or pictures that are decoded as they are
 * needed.
 */
import { checkOptions, integer, text } from "../../core/checks.js";
import { type ImageDataset, subset } from "../../data/dataset.js";
import { parseConfig, type RunConfig } from "../../run/config.js";
import { folderOf, infoOf, soundFolderOf } from "../../run/images.js";
import { heldOut, type LoaderPlan, loaderPlans, type RunLoaders } from "../../run/loaders.js";
import type { FrontEnd } from "../../sound/front-end.js";
import { type FolderPart, limitPart, partOf } from "../class-folder.js";
import { loadDataset, openDatasetPixels } from "../data-files.js";
import { openImageFolder } from "../images/folder.js";
import type { ImageLimits } from "../images/limits.js";
import { loadAudioFolder } from "../sound/folder.js";
import { PREPARE_RULES, type PrepareOptions } from "../tiny-imagenet/open.js";
import type { PixelFile, PixelPart } from "../tiny-imagenet/pixel-file.js";
import type { MemorySpec } from "./maker.js";
import { PrefetchLoader, shareable } from "./prefetch.js";
import type { LoaderSpec } from "./worker.js";

/** Loaders whose threads `close` ends. */
export interface OpenedLoaders extends RunLoaders {
  /** Ends the threads that read ahead. */
  close(): Promise<void>;
}

/** Where the images of a run are, and how they are read. */
export interface LoaderOptions extends ImageLimits, PrepareOptions {
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

/** What the loaders of a run are made from, and the threads that prepare batches: plain data, for ranks that are workers. */
export type LoaderSpecs = Readonly<{ [Part in keyof RunLoaders]: PartSpec }>;

interface PartSpec {
  readonly spec: LoaderSpec;
  readonly workers: number;
}

/** Whether the test images are the training images: a folder without any to test on. */
export function testsOnTraining({ train: { spec: train }, test: { spec: test } }: LoaderSpecs): boolean {
  if (train.kind === "memory" && test.kind === "memory") return train.dataset.name === test.dataset.name;
  return train.kind === "folder" && test.kind === "folder" && train.part.directory === test.part.directory;
}

/** SHA-256 of pixels and labels, where they lie in a file that has one. */
export function pixelsDigest({ train: { spec } }: LoaderSpecs): { pixelsSha256?: string } {
  return spec.kind === "stored" ? { pixelsSha256: spec.sha256 } : {};
}

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
  const open = ({ spec, workers }: PartSpec): PrefetchLoader => new PrefetchLoader(spec, workers);
  const { validation } = specs;
  const loaders = {
    train: open(specs.train),
    calibration: open(specs.calibration),
    test: open(specs.test),
    ...(validation && { validation: open(validation) }),
  };
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
    if (spec.kind !== "memory") return spec;
    const { dataset } = (known.get(spec.dataset.images) ?? shareable(spec)) as MemorySpec;
    const own = { ...spec, dataset };
    known.set(spec.dataset.images, own);
    return own;
  };
  const part = ({ spec, workers }: PartSpec): PartSpec => ({ spec: shared(spec), workers });
  const { train, calibration, test, validation } = specs;
  return {
    ...{ train: part(train), calibration: part(calibration), test: part(test) },
    ...(validation && { validation: part(validation) }),
  };
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
    ...PREPARE_RULES,
  });
  const { dataDir, workers = 0, maxPixels } = options;
  const limits = { train: config.limit ?? undefined, test: config.testLimit ?? undefined };
  const directory = folderOf(config.data);
  if (directory !== undefined) return ofPictures(config, limits, directory, workers, maxPixels);
  const heard = soundFolderOf(config.data) !== undefined;
  const pixels = heard ? null : await openDatasetPixels(config.data, options);
  return pixels === null ? inMemory(config, limits, dataDir, workers) : ofStored(config, limits, pixels, workers);
}

type Limits = Readonly<Record<"train" | "test", number | undefined>>;

async function inMemory(
  config: RunConfig,
  limits: Limits,
  dataDir: string | undefined,
  workers: number,
): Promise<LoaderSpecs> {
  const sounds = soundFolderOf(config.data);
  const { sound } = infoOf(config);
  const { train: all, test } =
    sounds === undefined
      ? await loadDataset(config.data, { dataDir, limits, sound })
      : await loadAudioFolder(sounds, sound as FrontEnd, limits);
  const apart = heldOut(config, all.count);
  const train = apart === null ? all : subset(all, apart.train);
  const plans = loaderPlans(config, train.count);
  const open = (dataset: ImageDataset, plan: LoaderPlan, threads = 0) => ({
    spec: { kind: "memory", dataset, ...plan } as const,
    workers: threads,
  });
  return {
    train: open(train, plans.train, workers),
    calibration: open(train, plans.calibration),
    test: open(test, plans.test),
    ...(apart !== null && { validation: open(subset(all, apart.validation), plans.validation) }),
  };
}

function ofStored(config: RunConfig, limits: Limits, pixels: PixelFile, workers: number): LoaderSpecs {
  const first = (part: PixelPart, limit = Number.POSITIVE_INFINITY): Uint32Array =>
    Uint32Array.from({ length: Math.min(limit, part.labels.length) }, (_, n) => n);
  const [all, tested] = [first(pixels.train, limits.train), first(pixels.test, limits.test)];
  // Indices of what is held out are those of the pictures: the first ones are taken.
  const { train: rows, validation } = heldOut(config, all.length) ?? { train: all, validation: null };
  const plans = loaderPlans(config, rows.length);
  const { sha256 } = pixels;
  const open = (part: PixelPart, rows: Uint32Array, plan: LoaderPlan, threads = 0) => ({
    spec: { kind: "stored", part, sha256, rows, ...plan } as const,
    workers: threads,
  });
  return {
    train: open(pixels.train, rows, plans.train, workers),
    calibration: open(pixels.train, rows, plans.calibration),
    test: open(pixels.test, tested, plans.test),
    ...(validation !== null && { validation: open(pixels.train, validation, plans.validation) }),
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
  const [all, test] = [limitPart(folder.train, limits.train), limitPart(folder.test, limits.test)];
  const apart = heldOut(config, all.files.length);
  const train = apart === null ? all : partOf(all, apart.train);
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
    ...(apart !== null && { validation: open(partOf(all, apart.validation), plans.validation, workers) }),
  };
}
