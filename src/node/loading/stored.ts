/**
 * @file Batches of decoded pictures that lie in a file: each picture is read when a batch needs it. The operating system
 * keeps the file in memory once for all threads and processes.
 */
import { closeSync, openSync } from "node:fs";
import { DataError } from "../../core/errors.js";
import { assembleBatch, type ImageSource } from "../../data/assemble.js";
import { imageSize } from "../../data/dataset.js";
import { type Batch, LoaderStreams, placeOf } from "../../data/loader.js";
import { type LoaderPlan, TRANSFORMS } from "../../run/loaders.js";
import type { ShardRange } from "../../world/tree.js";
import { readPieceSync } from "../pieces.js";
import type { PixelPart } from "../tiny-imagenet/pixel-file.js";
import type { BatchMaker } from "./maker.js";

/** Everything that such batches are made from; plain data. */
export interface StoredSpec extends LoaderPlan {
  readonly kind: "stored";
  readonly part: PixelPart;
  /** SHA-256 of the file's pixels and labels. */
  readonly sha256: string;
  /** The pictures that are taken, in order. */
  readonly rows: Uint32Array;
}

/** Makes the batches that a `DataLoader` makes of the same pictures in memory. */
export class StoredMaker implements BatchMaker {
  readonly batches: number;
  readonly images: number;
  readonly #spec: StoredSpec;
  readonly #streams: LoaderStreams;
  readonly #source: ImageSource;
  #fd: number | undefined;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  constructor(spec: StoredSpec) {
    const { part, rows, batch, dropLast, seed } = spec;
    this.#spec = spec;
    this.#streams = new LoaderStreams(seed);
    this.batches = dropLast ? Math.floor(rows.length / batch) : Math.ceil(rows.length / batch);
    this.images = Math.min(rows.length, this.batches * batch);
    const size = imageSize(part);
    this.#source = {
      shape: part.shape,
      label: (n) => part.labels[rows[n]],
      read: (n, pixels) => readPieceSync(this.#open(), part.file, pixels, part.at + rows[n] * size),
    };
  }

  batch(epoch: number, index: number, range?: ShardRange): Batch {
    const { rows, batch, augment } = this.#spec;
    if (epoch !== this.#epoch) {
      this.#order = this.#orderOf(epoch);
      this.#epoch = epoch;
    }
    const first = index * batch;
    const whole = Math.min(batch, rows.length - first);
    const { start, end } = placeOf(whole, range);
    const indices = this.#order.slice(first + start, first + end);
    const recipe = { epoch, index, indices, transforms: TRANSFORMS[augment], streams: this.#streams };
    const made = assembleBatch(this.#source, recipe);
    return range === undefined ? made : { ...made, part: { start, whole } };
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #orderOf(epoch: number): Uint32Array {
    const { rows, shuffle } = this.#spec;
    return shuffle ? this.#streams.order(epoch, rows.length) : Uint32Array.from(rows, (_, n) => n);
  }

  /** Opened when it is needed: a specification is also read by threads that make no batch. */
  #open(): number {
    const { file } = this.#spec.part;
    try {
      this.#fd ??= openSync(file, "r");
      return this.#fd;
    } catch (error) {
      throw new DataError({ op: file, what: "cannot be read", got: (error as Error).message });
    }
  }
}
