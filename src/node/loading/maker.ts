/**
 * @file Makers of batches: what a worker runs, or the training thread itself. Equal specifications make equal batches.
 */
import type { ImageDataset } from "../../data/dataset.js";
import type { Batch, DataLoader } from "../../data/loader.js";
import { type LoaderPlan, loaderOf } from "../../run/loaders.js";
import type { ShardRange } from "../../world/tree.js";

/** Makes the batches of an epoch one by one, in any order. */
export interface BatchMaker {
  readonly batches: number;
  readonly images: number;
  /** @param range the shards of it that are wanted; default all */
  batch(epoch: number, index: number, range?: ShardRange): Batch | Promise<Batch>;
  /** Ends what it holds open. */
  close?(): void;
}

/** Batches of a data set in memory. */
export interface MemorySpec extends LoaderPlan {
  readonly kind: "memory";
  readonly dataset: ImageDataset;
}

/** Makes batches of a data set in memory, as a `DataLoader` does. */
export class MemoryMaker implements BatchMaker {
  readonly #loader: DataLoader;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  constructor({ kind: _, dataset, ...plan }: MemorySpec) {
    this.#loader = loaderOf(dataset, plan);
  }
  get batches(): number {
    return this.#loader.batches;
  }
  get images(): number {
    return this.#loader.images;
  }
  batch(epoch: number, index: number, range?: ShardRange): Batch {
    if (epoch !== this.#epoch) {
      this.#order = this.#loader.order(epoch);
      this.#epoch = epoch;
    }
    return this.#loader.batch(epoch, index, this.#order, range);
  }
}
