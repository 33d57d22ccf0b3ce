/** @file Batches made ahead, in this thread or in workers, and given out in order: the same bits either way. */
import { Worker } from "node:worker_threads";
import { DataError } from "../../core/errors.js";
import type { ImageShape } from "../../data/dataset.js";
import type { Batch, BatchLoader } from "../../data/loader.js";
import type { ShardRange } from "../../world/tree.js";
import { listingDigest } from "../class-folder.js";
import { Crew } from "./crew.js";
import type { BatchMaker } from "./maker.js";
import { type BatchReply, type BatchRequest, type LoaderSpec, makerOf } from "./worker.js";

/** Batches in preparation for each worker, beyond the one that is waited for. */
const AHEAD = 2;

/**
 * A loader whose batches come from workers (or from this thread, with none). Workers are asked in turn and a few
 * batches ahead; batches are given out in their order, so that results do not depend on the number of workers. What
 * goes wrong in a worker is thrown to whoever waits for the batch.
 */
export class PrefetchLoader implements BatchLoader {
  readonly name: string;
  readonly classes: number;
  readonly imageShape: ImageShape;
  readonly #maker: BatchMaker;
  readonly #crew: Crew<Batch>;
  readonly #spec: LoaderSpec;
  #digest: string | undefined;

  /** @param workers threads that prepare batches; 0: none */
  constructor(spec: LoaderSpec, workers: number) {
    this.#maker = makerOf(spec);
    this.#spec = spec;
    if (spec.kind === "memory") {
      this.name = spec.dataset.name;
      this.classes = spec.dataset.classes;
      this.imageShape = spec.dataset.shape;
    } else if (spec.kind === "stored") {
      this.name = spec.part.name;
      this.classes = spec.part.classes;
      this.imageShape = spec.part.shape;
    } else {
      this.name = spec.part.name;
      this.classes = spec.part.classNames.length;
      this.imageShape = [spec.size, spec.size, 3];
    }
    const sent = workers > 0 ? shareable(spec) : spec;
    const what = "a thread that prepares batches was lost";
    this.#crew = new Crew((got) => new DataError({ op: this.name, what, got }));
    for (let n = 0; n < workers; n++) this.#start(sent);
  }
  get batches(): number {
    return this.#maker.batches;
  }
  get images(): number {
    return this.#maker.images;
  }
  get digest(): string | undefined {
    // Of a hundred thousand names: once.
    this.#digest ??= digestOf(this.#spec);
    return this.#digest;
  }

  async *epoch(epoch: number, from = 0, range?: ShardRange): AsyncGenerator<Batch, void, undefined> {
    const ahead = AHEAD * Math.max(1, this.#crew.size);
    const pending: Promise<Batch>[] = [];
    let next = from;
    for (let index = from; index < this.batches; index++) {
      if (this.#crew.size === 0) {
        // The event loop gets a turn, as between the batches of a DataLoader.
        await new Promise(setImmediate);
        yield await this.#maker.batch(epoch, index, range);
        continue;
      }
      while (next < this.batches && pending.length < ahead) {
        const index = next++;
        const batch = this.#crew.ask((id) => ({ id, epoch, index, range }) satisfies BatchRequest);
        // Thrown when its turn comes; a consumer that leaves early never asks.
        batch.catch(() => undefined);
        pending.push(batch);
      }
      yield await (pending.shift() as Promise<Batch>);
    }
  }

  /** Ends the workers. Batches that are still wanted fail. */
  close(): Promise<void> {
    this.#maker.close?.();
    return this.#crew.close();
  }

  #start(loader: LoaderSpec): void {
    const worker = new Worker(new URL(import.meta.url), { workerData: { loader }, execArgv: [], env: {} });
    this.#crew.add(worker, (reply: BatchReply) => {
      const answer = "batch" in reply ? { result: reply.batch } : { error: errorOf(reply.failure) };
      this.#crew.settle(worker, reply.id, answer);
    });
  }
}

function errorOf({ message, op, what, ...rest }: Extract<BatchReply, { failure: unknown }>["failure"]): Error {
  return op === undefined || what === undefined ? new Error(message) : new DataError({ op, what, ...rest });
}

/** What tells the examples of files from others; images in memory are not looked through. */
function digestOf(spec: LoaderSpec): string | undefined {
  if (spec.kind === "memory") return undefined;
  return spec.kind === "stored" ? spec.sha256 : listingDigest(spec.part);
}

/** Pixels in memory that all threads see: sending them to a worker copies nothing. */
export function shareable(spec: LoaderSpec): LoaderSpec {
  if (spec.kind !== "memory") return spec;
  const { images } = spec.dataset;
  if (Object.prototype.toString.call(images.buffer) === "[object SharedArrayBuffer]") return spec;
  const shared = new Uint8Array(new SharedArrayBuffer(images.length));
  shared.set(images);
  return { ...spec, dataset: { ...spec.dataset, images: shared } };
}
