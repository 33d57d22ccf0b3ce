/** @file The images of a run, as its configuration wants them read. Runs in workers. */
import {
  type BatchLoader,
  DataLoader,
  type DatasetSplits,
  datasetInfo,
  digits,
  horizontalFlip,
  type ImageTransform,
  imageDataset,
  loudness,
  randomCrop,
  spectralMasks,
  spectralNoise,
  subset,
  timeShift,
} from "coarsegrad/data";
import type { RunConfig } from "coarsegrad/run";
import { trainingLoader } from "coarsegrad/train";
import { read } from "../shell/store.js";
import type { DataSource, StoredImages } from "./record.js";

/** The three loaders of a run. */
export interface Loaders {
  readonly train: BatchLoader;
  readonly calibration: BatchLoader;
  readonly test: BatchLoader;
}

const TRANSFORMS: Readonly<Record<string, readonly ImageTransform[]>> = {
  none: [],
  shift: [randomCrop({ padding: 2 })],
  "crop-flip": [randomCrop({ padding: 4 }), horizontalFlip()],
  "time-shift": [timeShift()],
  speech: [timeShift(), loudness(), spectralNoise(), spectralMasks()],
};

/** Images of a source. @throws Error if the store does not have them any more */
export async function imagesOf(source: DataSource, { data, limit, testLimit }: RunConfig): Promise<DatasetSplits> {
  if (source.kind === "digits") {
    const info = datasetInfo("digits");
    return digits({ seed: 1, train: limit ?? info.train, test: testLimit ?? info.test });
  }
  const stored = await read<StoredImages>("images", source.key);
  if (stored === undefined) throw new Error("The images of this run are not kept any more: give them again.");
  const { pixels, labels, shape, classNames } = stored;
  const part = (name: "train" | "test", most: number | null) => {
    const whole = imageDataset({
      name: `${data}/${name}`,
      shape,
      classes: classNames.length,
      classNames,
      images: pixels[name],
      labels: labels[name],
    });
    return most === null || most >= whole.count ? whole : subset(whole, most);
  };
  return { train: part("train", limit), test: part("test", testLimit) };
}

/** Loaders that read as `createRun` would by itself, so that results are the same. */
export function loadersOf({ train, test }: DatasetSplits, { batch, seed, augment }: RunConfig): Loaders {
  return {
    train: trainingLoader(train, { batch, seed, transforms: TRANSFORMS[augment] }),
    calibration: new DataLoader(train, { batch: 128, shuffle: true, seed }),
    test: new DataLoader(test, { batch: 256 }),
  };
}
