/** @file The random streams of loaders. */
import { check, either, integer, text } from "../core/checks.js";
import { Rng } from "../core/rng.js";

/** What names random streams. */
export const seedRule = either(integer(), text);
/** The most images that an order is made of: a gigabyte of indices. */
const MOST = 2 ** 28;

/** The random streams of a loader: orders by (seed, epoch), augmentations by (seed, epoch, image). */
export class LoaderStreams {
  readonly #orders: Rng;
  readonly #augmentations: Rng;
  /** @throws ArgumentError unless the seed is an integer or a string */
  constructor(seed: number | string) {
    check("LoaderStreams", "seed", seed, seedRule);
    const root = new Rng(seed).fork("loader");
    this.#orders = root.fork("order");
    this.#augmentations = root.fork("augment");
  }
  /**
   * 0 … count − 1 in the random order of an epoch.
   * @throws ArgumentError on a bad epoch or a count that cannot be held
   */
  order(epoch: number, count: number): Uint32Array {
    check("LoaderStreams", "epoch", epoch, integer(0));
    check("LoaderStreams", "count", count, integer(0, MOST));
    return this.#orders.fork(epoch).permutation(count);
  }
  /** The stream whose forks by image index augment the images of an epoch. */
  augmentation(epoch: number): Rng {
    check("LoaderStreams", "epoch", epoch, integer(0));
    return this.#augmentations.fork(epoch);
  }
}
