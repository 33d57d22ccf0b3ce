/** @file Batches of examples: their order is a function of (seed, epoch) alone. */
import { callable, check, checkOptions, flag, integer, type OptionRules, record, refuse } from "../core/checks.js";
import { ArgumentError, DataError } from "../core/errors.js";
import { eventLoopTurn } from "../core/event-loop.js";
import {
  type ExampleBatch,
  type ExampleDataset,
  type ExampleFields,
  exampleDataset,
  isExampleDataset,
  rowsOf,
} from "./examples.js";
import { LoaderStreams, seedRule } from "./streams.js";

/** Examples in batches, epoch after epoch: what training and evaluation read. */
export interface ExampleSource {
  /** For messages. */
  readonly name: string;
  /** Batches in an epoch. */
  readonly batches: number;
  /** The batches of one epoch in order, from number `from` (default 0) on. */
  epoch(epoch: number, from?: number): AsyncGenerator<ExampleBatch, void, undefined>;
}

/** Options of an {@link ExampleLoader}. */
export interface ExampleLoaderOptions {
  /** Examples in a batch. @default 32 */
  readonly batch?: number;
  /** A new random order in every epoch. @default false */
  readonly shuffle?: boolean;
  /** Names the orders. @default 0 */
  readonly seed?: number | string;
  /** Leave out a last batch that is not full. @default false */
  readonly dropLast?: boolean;
}

const RULES: OptionRules<ExampleLoaderOptions> = { batch: integer(1), shuffle: flag, seed: seedRule, dropLast: flag };

/**
 * Batches of a data set of examples. Epoch e visits them in an order that depends on seed and e only.
 *
 * @throws ArgumentError on options out of range, or no batch at all
 */
export class ExampleLoader implements ExampleSource {
  /** What the batches are made of. */
  readonly dataset: ExampleDataset;
  readonly batches: number;
  readonly #batch: number;
  readonly #shuffle: boolean;
  readonly #streams: LoaderStreams;

  constructor(dataset: ExampleDataset, options: ExampleLoaderOptions = {}) {
    if (!isExampleDataset(dataset)) refuse("ExampleLoader", "data set", "what exampleDataset gives", dataset);
    checkOptions<ExampleLoaderOptions>("ExampleLoader", options, RULES);
    const { batch = 32, shuffle = false, seed = 0, dropLast = false } = options;
    this.dataset = dataset;
    this.batches = dropLast ? Math.floor(dataset.count / batch) : Math.ceil(dataset.count / batch);
    if (this.batches === 0) {
      throw new ArgumentError({
        op: "ExampleLoader",
        what: `no batch in ${dataset.name}`,
        expected: "at least one",
        got: `${dataset.count} examples in batches of ${batch}`,
        hint: "use a smaller batch, or dropLast: false",
      });
    }
    this.#batch = batch;
    this.#shuffle = shuffle;
    this.#streams = new LoaderStreams(seed);
  }
  get name(): string {
    return this.dataset.name;
  }

  /**
   * The batches of one epoch; between them the event loop gets a turn.
   * @param epoch counted from 0
   * @param from the first batch, for resuming within an epoch. @default 0
   */
  async *epoch(epoch: number, from = 0): AsyncGenerator<ExampleBatch, void, undefined> {
    check("ExampleLoader", "epoch", epoch, integer(0));
    check("ExampleLoader", "from", from, integer(0));
    const { dataset } = this;
    const order = this.#shuffle
      ? this.#streams.order(epoch, dataset.count)
      : Uint32Array.from({ length: dataset.count }, (_, n) => n);
    for (let index = from; index < this.batches; index++) {
      if (index > from) await eventLoopTurn();
      const rows = order.subarray(index * this.#batch, Math.min((index + 1) * this.#batch, dataset.count));
      yield {
        inputs: dataset.inputs.map((array) => rowsOf(array, rows)),
        targets: rowsOf(dataset.targets, rows),
        weights: dataset.weights === null ? null : Float32Array.from(rows, (n) => (dataset.weights as Float32Array)[n]),
        count: rows.length,
        epoch,
        index,
      };
    }
  }
}

/** What a batch of your own is: the fields of {@link exampleDataset}. */
export type BatchFields = Omit<ExampleFields, "name">;

/** Batches of your own: a list of them, or a function that gives those of an epoch (counted from 0). */
export type BatchMaker =
  | readonly BatchFields[]
  | ((epoch: number) => Iterable<BatchFields> | AsyncIterable<BatchFields>);

/**
 * A source of batches that you make: read from files, generated, fetched.
 *
 * @param batches a list, or a function of the epoch that gives an iterable; every batch has the fields of
 * {@link exampleDataset}
 * @param options `batches`: how many an epoch has (default: as many as the list), `name` for messages
 * @throws ArgumentError on what gives no batches; in an epoch, DataError if there are fewer than said
 * @example
 * batchSource((epoch) => readCsvInChunks("day.csv", epoch), { batches: 24 });
 */
export function batchSource(
  batches: BatchMaker,
  options: { readonly batches?: number; readonly name?: string } = {},
): ExampleSource {
  const op = "batchSource";
  checkOptions(op, options, { batches: integer(1), name: (value) => (typeof value === "string" ? null : "a string") });
  if (!Array.isArray(batches)) check(op, "batches", batches, callable, "a list of batches, or a function of the epoch");
  const { name = "batches", batches: count = Array.isArray(batches) ? batches.length : 0 } = options;
  if (count === 0) refuse(op, "batches", "how many an epoch has, as option batches: n", "none");
  return { name, batches: count, epoch: (epoch, from = 0) => epochOf(name, count, batches, epoch, from) };
}

async function* epochOf(
  name: string,
  batches: number,
  maker: BatchMaker,
  epoch: number,
  from: number,
): AsyncGenerator<ExampleBatch, void, undefined> {
  const items = typeof maker === "function" ? maker(epoch) : maker;
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = Object(
    items,
  ) as AsyncIterable<BatchFields> & Iterable<BatchFields>;
  if (typeof asynchronous !== "function" && typeof synchronous !== "function")
    refuse(name, "epoch", "an iterable of batches", items);
  let index = 0;
  for await (const fields of items) {
    if (index === batches) break;
    check(name, `batch ${index}`, fields, record);
    const { inputs, targets, weights, count } = exampleDataset({ ...fields, name });
    // Those of the first part of a resumed epoch are made and passed over.
    if (index >= from) yield { inputs, targets, weights, count, epoch, index };
    index++;
  }
  if (index === batches) return;
  throw new DataError({
    op: name,
    what: `epoch ${epoch + 1} ended early`,
    expected: `${batches} batches`,
    got: `${index}`,
    hint: "a generator is used up after one epoch: give a function that makes a new one",
  });
}
