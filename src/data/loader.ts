/** @file Batches of a data set: their order is a function of (seed, epoch) alone, and the next ones are made ahead. */
import {
  check,
  checkOptions,
  describe,
  flag,
  integer,
  listOf,
  type OptionRules,
  refuse,
  text,
} from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { eventLoopTurn } from "../core/event-loop.js";
import { kindOf } from "../core/typed-arrays.js";
import type { ShardRange } from "../world/tree.js";
import { assembleBatch, type ImageSource } from "./assemble.js";
import type { Batch } from "./batch.js";
import { checkImageDataset, checkImageShape, type ImageDataset, type ImageShape } from "./dataset.js";
import { LoaderStreams, seedRule } from "./streams.js";
import { type ImageTransform, transformRule } from "./transforms.js";

export type { Batch, BatchPart } from "./batch.js";
export { LoaderStreams } from "./streams.js";

/**
 * Where shards stand in a batch: example k of n is in shard s of S if ⌊sn/S⌋ ≤ k < ⌊(s+1)n/S⌋.
 *
 * @param whole examples of the batch
 * @param range default all shards
 */
export function placeOf(whole: number, range?: ShardRange): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: whole };
  const at = (shard: number): number => Math.floor((shard * whole) / range.shards);
  return { start: at(range.first), end: at(range.end) };
}

/**
 * Labelled images in batches, epoch after epoch: what training and evaluation read. {@link DataLoader} makes them of a
 * data set in memory; others may read files or work in threads, as long as batch k of epoch e is always the same.
 */
export interface BatchLoader {
  /** For messages, such as `cifar10/train`. */
  readonly name: string;
  /** Number of classes. */
  readonly classes: number;
  /** [H, W, C] of every image. */
  readonly imageShape: ImageShape;
  /** Batches in an epoch. */
  readonly batches: number;
  /** Images in an epoch. */
  readonly images: number;
  /** What tells these images from others, a SHA-256 for instance: ranks compare it, and no run goes on with others. */
  readonly digest?: string;
  /**
   * The batches of one epoch in order, from number `from` on.
   *
   * @param range the shards of each batch that are wanted, so that no rank prepares another one's images; a loader that
   * gives whole batches all the same is cut by whoever reads it
   */
  epoch(epoch: number, from?: number, range?: ShardRange): AsyncGenerator<Batch, void, undefined>;
}

/** True for a loader, false for a data set. */
export function isBatchLoader(data: ImageDataset | BatchLoader): data is BatchLoader {
  return typeof data === "object" && data !== null && typeof (data as BatchLoader).epoch === "function";
}

/** Refuses a loader that does not say what it has. @throws ArgumentError */
export function checkBatchLoader(op: string, loader: BatchLoader): void {
  const { name, classes, imageShape, batches, images, digest } = loader;
  check(op, "name of the loader", name, text);
  check(name, "classes", classes, integer(1));
  checkImageShape(name, imageShape);
  check(name, "number of batches", batches, integer(1));
  check(name, "number of images", images, integer(1));
  if (digest !== undefined) check(name, "digest", digest, text);
}

/**
 * Refuses a batch whose parts do not fit each other; what they hold is looked at where it is used.
 * @throws ArgumentError
 */
export function checkBatch(op: string, { name }: BatchLoader, batch: Batch): void {
  const { images, labels, count, shape, index, part } = batch ?? {};
  const of = `${op}: batch of ${name}`;
  const least = part === undefined ? 1 : 0;
  check(of, "count", count, integer(least));
  check(of, "index", index, integer(0));
  check(of, "shape", shape, listOf(integer(least), 4), "[count, H, W, C]");
  if (
    kindOf(images) === null ||
    images.length !== shape.reduce((size, extent) => size * extent, 1) ||
    shape[0] !== count
  )
    refuse(of, "images", `bytes for ${shape.join("x")}`, images);
  if ((kindOf(labels) === null && !Array.isArray(labels)) || labels.length !== count)
    refuse(of, "labels", `${count} class numbers`, labels);
}

/**
 * Whether a last batch that is not full is left out: where some shard of it would be a single example, which batch norm
 * cannot take. One shard: a last batch of one.
 */
export function dropsLast(count: number, batch: number, shards = 1): boolean {
  const last = count % batch;
  return count > batch && last > 0 && last < 2 * shards;
}

/** Options of a {@link DataLoader}. */
export interface LoaderOptions {
  /** Images in a batch. @default 32 */
  readonly batch?: number;
  /** A new random order in every epoch. @default false */
  readonly shuffle?: boolean;
  /** Names the orders and augmentations. @default 0 */
  readonly seed?: number | string;
  /** The epoch that iterating over the loader itself starts with. @default 0 */
  readonly epoch?: number;
  /** Leave out a last batch that is not full. @default false */
  readonly dropLast?: boolean;
  /** Applied to each image in turn. @default none */
  readonly transforms?: readonly ImageTransform[];
  /** Batches made ahead while the consumer awaits something. @default 2 */
  readonly prefetch?: number;
}

const rules: OptionRules<LoaderOptions> = {
  batch: integer(1),
  shuffle: flag,
  seed: seedRule,
  epoch: integer(0),
  dropLast: flag,
  transforms: listOf(transformRule),
  prefetch: integer(0),
};

/**
 * Batches of a data set.
 *
 * Epoch e visits the images in an order that depends on seed and e only, and augments image n by streams that depend on
 * seed, e and n only. So batch k of epoch e is the same whether or not earlier ones were asked for, which is what
 * resuming needs.
 *
 * @example
 * const loader = new DataLoader(train, { batch: 64, shuffle: true, seed: 1 });
 * for await (const { images, labels } of loader.epoch(0)) step(images, labels);
 */
export class DataLoader implements BatchLoader {
  /** What the batches are made of. */
  readonly dataset: ImageDataset;
  /** Images in a batch; the last one may have fewer. */
  readonly batchSize: number;
  /** Batches in an epoch. */
  readonly batches: number;
  /** Images in an epoch: all, less an incomplete batch that `dropLast` leaves out. */
  readonly images: number;
  readonly #shuffle: boolean;
  readonly #transforms: readonly ImageTransform[];
  readonly #prefetch: number;
  readonly #streams: LoaderStreams;
  #next: number;

  /**
   * @throws ArgumentError on a batch size below 1, a negative epoch or prefetch, a bad seed, an unknown option, or no
   * batch at all; DTypeError, FormatError on what is no data set
   */
  constructor(dataset: ImageDataset, options: LoaderOptions = {}) {
    checkImageDataset("DataLoader", dataset);
    checkOptions("DataLoader", options, rules);
    const {
      batch = 32,
      shuffle = false,
      seed = 0,
      epoch = 0,
      dropLast = false,
      transforms = [],
      prefetch = 2,
    } = options;
    this.dataset = dataset;
    this.batchSize = batch;
    this.batches = dropLast ? Math.floor(dataset.count / batch) : Math.ceil(dataset.count / batch);
    this.images = Math.min(dataset.count, this.batches * batch);
    if (this.batches === 0) {
      const got = `${dataset.count} images in batches of ${batch}`;
      const hint = dropLast && dataset.count > 0 ? "use a smaller batch, or dropLast: false" : undefined;
      throw new ArgumentError({
        op: "DataLoader",
        what: `no batch in ${dataset.name}`,
        expected: "at least one",
        got,
        hint,
      });
    }
    this.#shuffle = shuffle;
    this.#transforms = transforms;
    this.#prefetch = prefetch;
    this.#streams = new LoaderStreams(seed);
    this.#next = epoch;
  }
  get name(): string {
    return this.dataset.name;
  }
  /** Number of classes. */
  get classes(): number {
    return this.dataset.classes;
  }
  get imageShape(): ImageShape {
    return this.dataset.shape;
  }

  /**
   * Image indices in the order of an epoch.
   * @param epoch counted from 0
   * @returns all indices 0 … count − 1, each once
   */
  order(epoch: number): Uint32Array {
    check("DataLoader", "epoch", epoch, integer(0));
    if (this.#shuffle) return this.#streams.order(epoch, this.dataset.count);
    return Uint32Array.from({ length: this.dataset.count }, (_, n) => n);
  }

  /**
   * Makes one batch.
   * @param epoch counted from 0
   * @param index which batch of the epoch, 0 … batches − 1
   * @param order the epoch's order, if you have it already
   * @param range the shards of it that are wanted, default all
   * @returns a batch with arrays of its own
   * @throws ArgumentError on an index out of range
   */
  batch(epoch: number, index: number, order: Uint32Array = this.order(epoch), range?: ShardRange): Batch {
    check("DataLoader", "epoch", epoch, integer(0));
    if (kindOf(order) !== "Uint32Array" || order.length !== this.dataset.count)
      refuse("DataLoader", "order", `a Uint32Array of ${this.dataset.count}`, order);
    if (!Number.isInteger(index) || index < 0 || index >= this.batches) {
      const expected = `0 to ${this.batches - 1}`;
      throw new ArgumentError({ op: "DataLoader", what: "batch out of range", expected, got: describe(index) });
    }
    const { dataset } = this;
    const size = dataset.shape[0] * dataset.shape[1] * dataset.shape[2];
    const first = index * this.batchSize;
    const whole = Math.min(this.batchSize, dataset.count - first);
    const { start, end } = placeOf(whole, range);
    const indices = order.slice(first + start, first + end);
    for (const [k, n] of indices.entries()) {
      if (n >= dataset.count) check("DataLoader", `order[${first + start + k}]`, n, integer(0, dataset.count - 1));
    }
    const source: ImageSource = {
      shape: dataset.shape,
      label: (n) => dataset.labels[n],
      read: (n, pixels) => pixels.set(dataset.images.subarray(n * size, (n + 1) * size)),
    };
    const recipe = { epoch, index, indices, transforms: this.#transforms, streams: this.#streams };
    const batch = assembleBatch(source, recipe);
    return range === undefined ? batch : { ...batch, part: { start, whole } };
  }

  /**
   * The batches of one epoch. Between batches the event loop gets a turn, in which up to `prefetch` batches are made
   * ahead.
   * @param epoch counted from 0
   * @param from the first batch, for resuming within an epoch. @default 0
   * @param range the shards of each batch that are wanted. @default all
   */
  async *epoch(epoch: number, from = 0, range?: ShardRange): AsyncGenerator<Batch, void, undefined> {
    check("DataLoader", "epoch", epoch, integer(0));
    check("DataLoader", "from", from, integer(0));
    const order = this.order(epoch);
    const ready: Batch[] = [];
    let next = from;
    let open = true;
    const make = () => {
      const batch = this.batch(epoch, next, order, range);
      next += 1;
      return batch;
    };
    const ahead = async () => {
      while (open && next < this.batches && ready.length < this.#prefetch) {
        await eventLoopTurn();
        // The consumer may have made this batch, or left, in the meantime.
        if (open && next < this.batches && ready.length < this.#prefetch) ready.push(make());
      }
    };
    try {
      for (let index = from; index < this.batches; index++) {
        if (index > from) await eventLoopTurn();
        const batch = ready.shift() ?? make();
        // A transform that throws here throws again when the consumer gets to that batch, and there it is seen.
        ahead().catch(() => {});
        yield batch;
      }
    } finally {
      open = false;
    }
  }

  /** Iterating over the loader gives one epoch; the next time, the next epoch. */
  [Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    return this.epoch(this.#next++);
  }
}
