/** @file Makers of batches: what a worker runs, or the training thread itself. Equal specifications make equal batches. */
import type { ImageDataset } from "../../data/dataset.js";
import { type Batch, DataLoader } from "../../data/loader.js";
import { horizontalFlip, type ImageTransform, randomCrop } from "../../data/transforms.js";
import type { RunConfig } from "../run-config.js";

/** Makes the batches of an epoch one by one, in any order. */
export interface BatchMaker {
  readonly batches: number;
  readonly images: number;
  batch(epoch: number, index: number): Batch | Promise<Batch>;
}

/** How images are put into batches. */
export interface BatchOptions {
  readonly batch: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly dropLast: boolean;
}

/** Batches of a data set in memory. */
export interface MemorySpec extends BatchOptions {
  readonly kind: "memory";
  readonly dataset: ImageDataset;
  readonly augment: RunConfig["augment"];
}

/** Augmentations of images in memory, by name. */
export const TRANSFORMS: Readonly<Record<RunConfig["augment"], readonly ImageTransform[]>> = {
  none: [],
  shift: [randomCrop({ padding: 2 })],
  "crop-flip": [randomCrop({ padding: 4 }), horizontalFlip()],
};

/** Makes batches of a data set in memory, as {@link DataLoader} does. */
export class MemoryMaker implements BatchMaker {
  readonly #loader: DataLoader;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  constructor({ dataset, augment, batch, shuffle, seed, dropLast }: MemorySpec) {
    this.#loader = new DataLoader(dataset, { batch, shuffle, seed, dropLast, transforms: TRANSFORMS[augment] });
  }
  get batches(): number {
    return this.#loader.batches;
  }
  get images(): number {
    return this.#loader.images;
  }
  batch(epoch: number, index: number): Batch {
    if (epoch !== this.#epoch) {
      this.#order = this.#loader.order(epoch);
      this.#epoch = epoch;
    }
    return this.#loader.batch(epoch, index, this.#order);
  }
}
