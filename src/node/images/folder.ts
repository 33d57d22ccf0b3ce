/**
 * @file Image folders: one folder for each class, as ImageNet is laid out; pictures are decoded when a batch needs
 * them.
 */
import path from "node:path";
import { check } from "../../core/checks.js";
import { type Batch, LoaderStreams, placeOf } from "../../data/loader.js";
import { centreCrop, randomBox, resample } from "../../data/resample.js";
import { mirrorImage } from "../../data/transforms.js";
import type { LoaderPlan } from "../../run/loaders.js";
import type { ShardRange } from "../../world/tree.js";
import { type ClassFolder, type FileKind, type FolderPart, openClassFolder } from "../class-folder.js";
import { pathRule, readFileBytes } from "../files.js";
import type { BatchMaker } from "../loading/maker.js";
import { decodeImage, IMAGE_ENDINGS, recolor } from "./picture.js";

/** The two parts of an image folder. */
export type ImageFolder = ClassFolder;

/** Pictures as training and testing want them. */
export interface PictureOptions {
  /** Side of the images in pixels. */
  readonly size: number;
  /**
   * A random resized crop, mirrored half of the time; else the middle of the picture, its shorter side at 8/7 of
   * `size`.
   */
  readonly augment: boolean;
}

/** Everything that a maker of batches is made from; plain data, so that it can be sent to a worker. */
export interface FolderSpec extends PictureOptions, Omit<LoaderPlan, "augment"> {
  readonly kind: "folder";
  readonly part: FolderPart;
  /** Pixels of a picture, width × height; those with more are refused. */
  readonly maxPixels?: number;
}

/** Files that are read while others are decoded: to wait for each in its turn takes as long as to decode a small one. */
const AHEAD = 16;

/** Pictures that are read. */
const PICTURES: FileKind = { noun: "pictures", endings: IMAGE_ENDINGS };

/** An image folder, listed as `openClassFolder` of class-folder.ts says. @throws DataError that names what is wrong */
export async function openImageFolder(directory: string): Promise<ImageFolder> {
  check("openImageFolder", "directory", directory, pathRule);
  return openClassFolder(directory, PICTURES);
}

/** What to say where a folder is tested on what it is trained on. @param data `imagefolder:DIR`, `audiofolder:DIR` */
export function testIsTrainingText(data: string): string {
  const [without, what] = data.startsWith("audiofolder:")
    ? ["no testing_list.txt, and no val/ (or test/) beside train/", "recordings"]
    : ["no val/ (or test/) beside train/", "pictures"];
  return `${data} has ${without}: the test is on the training ${what}, and its accuracy says nothing of others; move some into val/, or watch held-out ones with train --validate N`;
}

/** Decodes pictures into batches. Batch k of an epoch depends on (seed, epoch, k) alone. */
export class FolderMaker implements BatchMaker {
  readonly batches: number;
  readonly images: number;
  readonly #spec: FolderSpec;
  readonly #streams: LoaderStreams;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  constructor(spec: FolderSpec) {
    const count = spec.part.files.length;
    const last = count % spec.batch;
    this.#spec = spec;
    this.#streams = new LoaderStreams(spec.seed);
    this.batches = Math.ceil(count / spec.batch) - (spec.dropLast && last > 0 && count > last ? 1 : 0);
    this.images = Math.min(count, this.batches * spec.batch);
  }

  async batch(epoch: number, index: number, range?: ShardRange): Promise<Batch> {
    const { part, size, batch, augment } = this.#spec;
    const all = part.files.length;
    const order = this.#orderOf(epoch);
    const first = index * batch;
    const whole = Math.min(batch, all - first);
    const { start, end } = placeOf(whole, range);
    const indices = order.slice(first + start, first + end);
    const images = new Uint8Array(indices.length * size * size * 3);
    const streams = this.#streams.augmentation(epoch);
    const reading: Promise<Uint8Array>[] = [];
    let next = 0;
    for (const [k, n] of indices.entries()) {
      while (next < Math.min(indices.length, k + AHEAD)) {
        const begun = this.#read(indices[next++]);
        // What fails is seen when its turn comes.
        begun.catch(() => undefined);
        reading.push(begun);
      }
      const picture = this.#picture(n, await (reading.shift() as Promise<Uint8Array>));
      const pixels = images.subarray(k * size * size * 3, (k + 1) * size * size * 3);
      if (!augment) {
        pixels.set(centreCrop(picture, Math.round((size * 8) / 7), size));
        continue;
      }
      const rng = streams.fork(n);
      pixels.set(resample(picture, size, size, randomBox(picture, rng)));
      if (rng.bool(0.5)) mirrorImage(pixels, [size, size, 3]);
    }
    const labels = Int32Array.from(indices, (n) => part.labels[n]);
    const count = indices.length;
    const made: Batch = { images, labels, indices, count, shape: [count, size, size, 3], epoch, index };
    return range === undefined ? made : { ...made, part: { start, whole } };
  }

  /** The order of the epoch: with 100,000 files it takes milliseconds, and each batch wants the same. */
  #orderOf(epoch: number): Uint32Array {
    if (epoch === this.#epoch) return this.#order;
    const { part, shuffle } = this.#spec;
    const all = part.files.length;
    this.#order = shuffle ? this.#streams.order(epoch, all) : Uint32Array.from({ length: all }, (_, n) => n);
    this.#epoch = epoch;
    return this.#order;
  }

  #file(n: number): string {
    const { directory, files } = this.#spec.part;
    return path.join(directory, files[n]);
  }

  #read(n: number): Promise<Uint8Array> {
    return readFileBytes(this.#file(n));
  }

  #picture(n: number, bytes: Uint8Array) {
    return recolor(decodeImage(this.#file(n), bytes, { maxPixels: this.#spec.maxPixels }), 3);
  }
}
