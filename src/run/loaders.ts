/** @file The loaders of a run on images in memory: batches to train on, to calibrate with, and to test with. */
import { refuse } from "../core/checks.js";
import { Rng } from "../core/rng.js";
import { cutout } from "../data/cutout.js";
import { type DatasetSplits, type ImageDataset, subset } from "../data/dataset.js";
import { digits } from "../data/digits.js";
import { type BatchLoader, DataLoader, dropsLast, isBatchLoader } from "../data/loader.js";
import { datasetInfo } from "../data/registry.js";
import { loudness, spectralMasks, spectralNoise, timeShift } from "../data/speech.js";
import { horizontalFlip, type ImageTransform, randomCrop } from "../data/transforms.js";
import { coloration, tempo, vocalTract } from "../data/voices.js";
import { checkImages } from "../train/options.js";
import type { RunConfig } from "./config.js";
import { checkFits, infoOf } from "./images.js";
import { isPostTraining } from "./methods.js";
import { UsageError } from "./usage-error.js";

/** Loaders that a run reads. */
export interface RunLoaders {
  /** Batches to learn from. */
  readonly train: BatchLoader;
  /** Training images in random order: as tests see them, or, without training, as `augment` says. */
  readonly calibration: BatchLoader;
  /** Batches to measure on. */
  readonly test: BatchLoader;
  /** Images that were held out of the training images, where the configuration asks for them (`validate`). */
  readonly validation?: BatchLoader;
}

/** How a run reads its images. */
export interface LoaderPlan {
  readonly batch: number;
  readonly shuffle: boolean;
  readonly seed: number;
  /** Leave out the last batch if it is not full. */
  readonly dropLast: boolean;
  readonly augment: RunConfig["augment"];
}

/** Augmentations of images in memory, by name. */
export const TRANSFORMS: Readonly<Record<RunConfig["augment"], readonly ImageTransform[]>> = {
  none: [],
  shift: [randomCrop({ padding: 2 })],
  "crop-flip": [randomCrop({ padding: 4 }), horizontalFlip()],
  cutout: [cutout()],
  "crop-flip-cutout": [randomCrop({ padding: 4 }), horizontalFlip(), cutout()],
  "time-shift": [timeShift()],
  speech: [timeShift(), loudness(), spectralNoise(), spectralMasks()],
  voices: [tempo(), timeShift(), vocalTract(), coloration(), spectralNoise(), spectralMasks()],
};

const TEST_BATCH = 256;
const CALIBRATION_BATCH = 128;

/**
 * How a run reads its three loaders.
 *
 * @param images training images
 * @param most images at once for calibration and tests: photographs are large
 */
export function loaderPlans(
  { batch, seed, augment, quant, shards }: RunConfig,
  images: number,
  most = Number.POSITIVE_INFINITY,
): Readonly<Record<keyof Required<RunLoaders>, LoaderPlan>> {
  const dropLast = dropsLast(images, batch, shards);
  // What is found here stays: statistics should be those that the weights were trained with. Training replaces them
  // within some steps.
  const calibrated = isPostTraining(quant?.method) ? augment : "none";
  const shuffled = { shuffle: true, seed };
  const test = { shuffle: false, seed, batch: Math.min(most, TEST_BATCH), dropLast: false, augment: "none" } as const;
  return {
    train: { ...shuffled, batch, dropLast, augment },
    calibration: { ...shuffled, batch: Math.min(most, CALIBRATION_BATCH), dropLast: false, augment: calibrated },
    test,
    validation: test,
  };
}

/** Which training images are trained on and which are held out, as indices in rising order. */
export interface HeldOut {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Chooses the images that `validate` holds out: by `validateSeed`, or else the run's seed, whatever their order in
 * training.
 *
 * @param images training images, after `limit`
 * @returns null where none are held out
 * @throws UsageError if fewer than two images would be left to train on
 */
export function heldOut(
  { validate = 0, seed, validateSeed = seed }: Pick<RunConfig, "validate" | "validateSeed" | "seed">,
  images: number,
): HeldOut | null {
  if (validate === 0) return null;
  if (validate > images - 2) {
    const expected = `at most ${Math.max(0, images - 2)}, of ${images} training images`;
    throw new UsageError({ op: "--validate", what: "too many images to hold out", expected, got: `${validate}` });
  }
  const order = new Rng(validateSeed).fork("validation").permutation(images);
  return { train: order.slice(validate).sort(), validation: order.slice(0, validate).sort() };
}

/** A loader of images in memory. */
export function loaderOf(data: ImageDataset, { augment, ...options }: LoaderPlan): DataLoader {
  return new DataLoader(data, { ...options, transforms: TRANSFORMS[augment] });
}

/** What a run may be given to read: images, or loaders; without one for calibration, that for training serves. */
export type RunData = DatasetSplits | (Omit<RunLoaders, "calibration"> & Partial<RunLoaders>);

type Given = Readonly<Record<"train" | "test" | "calibration", ImageDataset | BatchLoader>> & {
  readonly validation?: ImageDataset | BatchLoader;
};

/**
 * The loaders of a run: those that are given, those of the images that are given, or those of images that are
 * generated.
 * @throws ArgumentError
 */
export function runLoaders(config: RunConfig, data: RunData | undefined): RunLoaders {
  const given: Partial<Given> = data ?? generated(config);
  const info = infoOf(config);
  for (const key of ["train", "test", "calibration", "validation"] as const) {
    const part = given[key];
    if (part === undefined && (key === "calibration" || key === "validation")) continue;
    checkImages("createRun", `data.${key}`, part as ImageDataset);
    const { name, classes } = part as ImageDataset;
    const shape = isBatchLoader(part as BatchLoader) ? (part as BatchLoader).imageShape : (part as ImageDataset).shape;
    checkFits("createRun", { name, classes, shape }, info.shape, info.classes);
  }
  const { train, test, calibration = train, validation } = given as Given;
  if (isBatchLoader(train) && isBatchLoader(test) && isBatchLoader(calibration)) {
    if ((validation === undefined) !== !config.validate) {
      const expected = config.validate
        ? "a loader of the images that are held out"
        : "none: the configuration has none";
      refuse("createRun", "data.validation", expected, validation);
    }
    return { train, calibration, test, validation: validation as BatchLoader | undefined };
  }
  if (isBatchLoader(train) || isBatchLoader(test)) {
    return refuse("createRun", "data", "all parts images, or all of them loaders", given);
  }
  const all = limited(train, config.limit);
  const apart = heldOut(config, all.count);
  const images = apart === null ? all : subset(all, apart.train);
  const plans = loaderPlans(config, images.count);
  return {
    ...(apart !== null && { validation: loaderOf(subset(all, apart.validation), plans.validation) }),
    train: loaderOf(images, plans.train),
    calibration: loaderOf(images, plans.calibration),
    test: loaderOf(limited(test, config.testLimit), plans.test),
  };
}

function limited(images: ImageDataset, limit: number | null): ImageDataset {
  return limit === null || limit >= images.count ? images : subset(images, limit);
}

function generated({ data, limit, testLimit }: RunConfig): DatasetSplits {
  const info = datasetInfo(data);
  if (info.format !== "generated") refuse("createRun", "data", `the images of ${data}: train and test`, undefined);
  return digits({ seed: 1, train: limit ?? info.train, test: testLimit ?? info.test });
}
