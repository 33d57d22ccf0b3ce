/** @file The loaders of a training run: batches to train on, to calibrate with, and to test with. */
import type { BatchLoader } from "../../data/loader.js";
import { loadDataset } from "../../node/data-files.js";
import { folderOf, infoOf } from "../data-info.js";
import { isPostTraining, type RunConfig } from "../run-config.js";
import { limitPart, openImageFolder } from "./folder.js";
import { PrefetchLoader } from "./prefetch.js";
import type { LoaderSpec } from "./worker.js";

/** Loaders that a run reads; `close` ends their threads. */
export interface RunLoaders {
  readonly train: BatchLoader;
  /** Training images in random order: as tests see them, or, without training, as `--augment` says. */
  readonly calibration: BatchLoader;
  readonly test: BatchLoader;
  close(): Promise<void>;
}

const TEST_BATCH = 256;
/** Photographs are large: fewer at once. */
const FOLDER_TEST_BATCH = 32;
const CALIBRATION_BATCH = 128;

/**
 * Opens the images of a run. Batches do not depend on the number of workers.
 *
 * @param workers threads that prepare batches. For images in memory that hardly pays: cropping and mirroring a batch takes a few milliseconds
 * @param maxPixels of one picture of a folder
 * @throws DataError, FormatError if they cannot be had
 */
export async function openLoaders(
  config: RunConfig,
  dataDir: string | undefined,
  workers: number,
  maxPixels?: number,
): Promise<RunLoaders> {
  const { batch, seed, augment, limit, testLimit } = config;
  // What is found here stays: statistics should be those that the weights were trained with. Training replaces them within some steps.
  const calibrationAugment = isPostTraining(config.quant?.method) ? augment : "none";
  const directory = folderOf(config.data);
  const open = (spec: LoaderSpec, threads: number): PrefetchLoader => new PrefetchLoader(spec, threads);
  const shuffled = { shuffle: true, seed, dropLast: false };
  const plain = { shuffle: false, seed, dropLast: false };
  const loaders = async (): Promise<[PrefetchLoader, PrefetchLoader, PrefetchLoader]> => {
    if (directory === undefined) {
      const limits = { train: limit ?? undefined, test: testLimit ?? undefined };
      const { train, test } = await loadDataset(config.data, { dataDir, limits });
      const dropLast = train.count > batch && train.count % batch === 1;
      const memory = { kind: "memory", dataset: train } as const;
      return [
        open({ ...memory, ...shuffled, batch, dropLast, augment }, workers),
        open({ ...memory, ...shuffled, batch: CALIBRATION_BATCH, augment: calibrationAugment }, 0),
        open({ kind: "memory", dataset: test, ...plain, batch: TEST_BATCH, augment: "none" }, 0),
      ];
    }
    const folder = await openImageFolder(directory);
    const [train, test] = [limitPart(folder.train, limit ?? undefined), limitPart(folder.test, testLimit ?? undefined)];
    const { shape } = infoOf(config);
    const pictures = { kind: "folder", part: train, size: shape[0], maxPixels } as const;
    const dropLast = train.files.length > batch && train.files.length % batch === 1;
    return [
      open({ ...pictures, ...shuffled, batch, dropLast, augment: augment === "crop-flip" }, workers),
      open({ ...pictures, ...shuffled, batch: FOLDER_TEST_BATCH, augment: calibrationAugment === "crop-flip" }, 0),
      open({ ...pictures, part: test, ...plain, batch: FOLDER_TEST_BATCH, augment: false }, workers),
    ];
  };
  const [train, calibration, test] = await loaders();
  return {
    train,
    calibration,
    test,
    close: async () => {
      for (const loader of [train, calibration, test]) await loader.close();
    },
  };
}
