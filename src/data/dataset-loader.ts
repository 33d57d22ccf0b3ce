/** @file Batches of a data set that gives its examples one by one: read, decoded or changed when they are needed. */
import {
  callable,
  check,
  checkOptions,
  flag,
  integer,
  type OptionRules,
  record,
  refuse,
  text,
} from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { eventLoopTurn } from "../core/event-loop.js";
import type { Rng } from "../core/rng.js";
import { collate, type Example } from "./collate.js";
import type { BatchFields, ExampleLoaderOptions, ExampleSource } from "./example-loader.js";
import { type ExampleBatch, exampleDataset } from "./examples.js";
import { LoaderStreams, seedRule } from "./streams.js";

/** Examples by their number: in memory, on disk, behind a network. */
export interface MapDataset {
  /** How many there are. */
  readonly length: number;
  /** For messages. Default `examples`. */
  readonly name?: string;
  /**
   * Gives one example.
   *
   * @param index 0 … length − 1
   * @param rng its own stream, named by seed, epoch and index: augmentation that draws from it alone is the same in
   *   any order, with any batch size, and after resuming
   */
  get?(index: number, rng: Rng): Example | Promise<Example>;
  /** Gives several at once, put together; instead of `get`. */
  batch?(indices: readonly number[], rngs: readonly Rng[]): BatchFields | Promise<BatchFields>;
}

/** Options of {@link datasetLoader}. */
export interface DatasetLoaderOptions extends ExampleLoaderOptions {
  /** Batches that are being made while one is used; 0: none. @default 2 */
  readonly prefetch?: number;
}

const RULES: OptionRules<DatasetLoaderOptions> = {
  batch: integer(1),
  shuffle: flag,
  seed: seedRule,
  dropLast: flag,
  prefetch: integer(0, 1024),
};

/**
 * Batches of a data set of your own, as `fit` and `evaluate` take them. The order of an epoch and the streams of its
 * examples depend on (seed, epoch) alone, whatever `prefetch` is.
 *
 * `get` runs in this thread, which is enough for what waits (files, networks) and for copying and light changes: far
 * less work than a training step. For what computes long, `openDatasetWorkers` of `coarsegrad/node` runs it in threads.
 *
 * @param dataset gives examples by number, at once or as promises: those of a batch are asked for together
 * @param options `batch` 32, `shuffle` false, `seed` 0, `dropLast` false, `prefetch` 2
 * @throws ArgumentError on what gives no examples, options out of range, or no batch at all; in an epoch, ArgumentError
 *   and ShapeError on examples that do not fit each other, and whatever `get` throws
 * @example
 * const dataset = { length: files.length, get: async (i) => ({ x: decode(await readFile(files[i])), y: labels[i] }) };
 * await fit(net, datasetLoader(dataset, { batch: 64, shuffle: true, seed: 1 }), { epochs: 10, optimizer });
 */
export function datasetLoader(dataset: MapDataset, options: DatasetLoaderOptions = {}): ExampleSource {
  const op = "datasetLoader";
  check(op, "data set", dataset, record);
  const { length, name = "examples" } = dataset;
  check(op, "length of the data set", length, integer(1, 2 ** 31 - 1));
  check(op, "name of the data set", name, text);
  if (dataset.batch === undefined) check(op, "get of the data set", dataset.get, callable);
  else check(op, "batch of the data set", dataset.batch, callable);
  checkOptions<DatasetLoaderOptions>(op, options, RULES);
  const { batch = 32, shuffle = false, seed = 0, dropLast = false, prefetch = 2 } = options;
  const batches = dropLast ? Math.floor(length / batch) : Math.ceil(length / batch);
  if (batches === 0) {
    throw new ArgumentError({
      op,
      what: `no batch in ${name}`,
      expected: "at least one",
      got: `${length} examples in batches of ${batch}`,
      hint: "use a smaller batch, or dropLast: false",
    });
  }
  const streams = new LoaderStreams(seed);
  const made = async (epoch: number, index: number, order: Uint32Array): Promise<ExampleBatch> => {
    const rows = [...order.subarray(index * batch, Math.min((index + 1) * batch, length))];
    const stream = streams.augmentation(epoch);
    const fields = await fieldsOf(
      dataset,
      name,
      rows,
      rows.map((n) => stream.fork(n)),
    );
    check(name, `batch ${index}`, fields, record);
    const { inputs, targets, weights, count } = exampleDataset({ ...fields, name });
    if (count !== rows.length) refuse(name, `batch ${index}`, `${rows.length} examples`, count);
    return { inputs, targets, weights, count, epoch, index };
  };
  async function* epochOf(epoch: number, from = 0): AsyncGenerator<ExampleBatch, void, undefined> {
    check(op, "epoch", epoch, integer(0));
    check(op, "from", from, integer(0));
    const order = shuffle ? streams.order(epoch, length) : Uint32Array.from({ length }, (_, n) => n);
    const pending: Promise<ExampleBatch>[] = [];
    let next = from;
    for (let index = from; index < batches; index++) {
      while (next < batches && pending.length <= prefetch) {
        const ahead = made(epoch, next++, order);
        // Thrown when its turn comes; a consumer that leaves early never asks.
        ahead.catch(() => undefined);
        pending.push(ahead);
      }
      if (index > from) await eventLoopTurn();
      yield await (pending.shift() as Promise<ExampleBatch>);
    }
  }
  return { name, batches, epoch: epochOf };
}

async function fieldsOf(
  dataset: MapDataset,
  name: string,
  rows: readonly number[],
  rngs: readonly Rng[],
): Promise<BatchFields> {
  if (dataset.batch !== undefined) return dataset.batch(rows, rngs);
  const get = dataset.get as NonNullable<MapDataset["get"]>;
  return collate(name, await Promise.all(rows.map((n, k) => get.call(dataset, n, rngs[k]))), rows);
}
