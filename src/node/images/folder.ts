/**
 * @file Image folders: one folder for each class, as ImageNet is laid out; pictures are decoded when a batch needs
 * them.
 */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { check } from "../../core/checks.js";
import { DataError } from "../../core/errors.js";
import { type Batch, LoaderStreams, placeOf } from "../../data/loader.js";
import { centreCrop, randomBox, resample } from "../../data/resample.js";
import { mirrorImage } from "../../data/transforms.js";
import type { LoaderPlan } from "../../run/loaders.js";
import type { ShardRange } from "../../world/tree.js";
import { isFolder, pathRule, readFileBytes } from "../files.js";
import type { BatchMaker } from "../loading/maker.js";
import { decodeImage, IMAGE_ENDINGS, recolor } from "./picture.js";

/** Files of one part and their classes. */
export interface FolderPart {
  /** Name in messages. */
  readonly name: string;
  /** Its folder. */
  readonly directory: string;
  /** Paths below the directory, sorted within each class. */
  readonly files: readonly string[];
  /** Class of each file. */
  readonly labels: readonly number[];
  /** Names of the classes' folders, sorted: a class's number is its place. */
  readonly classNames: readonly string[];
}

/** The two parts of an image folder. */
export interface ImageFolder {
  /** Pictures to learn from. */
  readonly train: FolderPart;
  /** Pictures to measure on. */
  readonly test: FolderPart;
  /** True where there is no folder of pictures to test on: `test` is `train`. */
  readonly testIsTraining: boolean;
}

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

/**
 * Lists an image folder: `train/` and `val/` (or `test/`) in it are the parts. Without `val/` the training pictures are
 * both, those in `train/` if folders are in there, else those of the folder itself.
 *
 * Hidden files and folders (`._cat.jpg`, `.ipynb_checkpoints`) and `__MACOSX` count for nothing; links count as what
 * they lead to.
 *
 * @throws DataError that names what is wrong: no classes, a class without pictures, parts with different classes, links
 * that lead nowhere
 */
export async function openImageFolder(directory: string): Promise<ImageFolder> {
  check("openImageFolder", "directory", directory, pathRule);
  const within = async (...names: string[]): Promise<string | undefined> => {
    for (const name of names) if (await isFolder(path.join(directory, name))) return path.join(directory, name);
    return undefined;
  };
  const train = await within("train");
  const test = await within("val", "test");
  const name = path.basename(path.resolve(directory));
  if (train === undefined || test === undefined) {
    const alone = train !== undefined && (await holdsFolders(train));
    const part = alone ? await listPart(train, `${name}/train`) : await listPart(directory, name);
    return { train: part, test: part, testIsTraining: true };
  }
  const parts = {
    train: await listPart(train, `${name}/train`),
    test: await listPart(test, `${name}/test`, true),
    testIsTraining: false,
  };
  if (parts.train.classNames.join("/") !== parts.test.classNames.join("/")) {
    const lacking = (from: FolderPart, others: FolderPart): string => {
      const names = from.classNames.filter((each) => !others.classNames.includes(each));
      return names.length === 0 ? "" : ` (${namesText(names)} only there)`;
    };
    const [expected, got] = [
      [parts.train, parts.test],
      [parts.test, parts.train],
    ].map(
      ([own, other]) => `${own.classNames.length} classes in ${path.basename(own.directory)}/${lacking(own, other)}`,
    );
    throw new DataError({ op: directory, what: "training and test folders have different classes", expected, got });
  }
  return parts;
}

/** What to say where an image folder is tested on its training pictures. @param data `imagefolder:DIR` */
export function testIsTrainingText(data: string): string {
  return `${data} has no val/ (or test/) beside train/: the test is on the training pictures, and its accuracy says nothing of others; move some into val/, or watch held-out ones with train --validate N`;
}

/** Whether a folder named train is a part, with classes in it, or a class of that name, with pictures. */
async function holdsFolders(directory: string): Promise<boolean> {
  return (await entriesOf(directory, "folders")).length > 0;
}

/** Names that no class has: hidden folders (`.ipynb_checkpoints`), and what macOS puts into archives. */
const isAside = (name: string): boolean => name.startsWith(".") || name === "__MACOSX";

/** Entries of one kind in a folder, sorted; links count as what they lead to. */
async function entriesOf(folder: string, kind: "folders" | "files"): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(unreadable(folder));
  const names: string[] = [];
  for (const entry of entries) {
    if (isAside(entry.name)) continue;
    const at = path.join(folder, entry.name);
    // Only links are asked again: a folder may hold a million files.
    const what = entry.isSymbolicLink() ? await stat(at).catch(unreadable(at, "a link that leads nowhere")) : entry;
    if (kind === "folders" ? what.isDirectory() : what.isFile()) names.push(entry.name);
  }
  return names.sort();
}

function unreadable(op: string, nothing = "no such folder") {
  return (error: Error): never => {
    const code = (error as NodeJS.ErrnoException).code;
    const got = code === "ENOENT" ? nothing : code === "ELOOP" ? "a link in a circle" : error.message;
    throw new DataError({ op, what: "cannot be read", expected: "a folder", got });
  };
}

const isPicture = (file: string): boolean =>
  (IMAGE_ENDINGS as readonly string[]).includes(path.extname(file).toLowerCase());

async function listPart(directory: string, name: string, mayBeEmpty = false): Promise<FolderPart> {
  const classNames = await entriesOf(directory, "folders");
  const files: string[] = [];
  const labels: number[] = [];
  const empty: { className: string; others: string[] }[] = [];
  for (const [label, className] of classNames.entries()) {
    const all = await entriesOf(path.join(directory, className), "files");
    const own = all.filter(isPicture);
    // Nothing to test on is no harm; pictures of a kind that is not read are.
    if (own.length === 0 && (!mayBeEmpty || all.length > 0)) empty.push({ className, others: all });
    for (const file of own) {
      files.push(path.join(className, file));
      labels.push(label);
    }
  }
  const endings = IMAGE_ENDINGS.join(", ");
  if (files.length === 0) {
    throw new DataError({
      op: directory,
      what: "no pictures",
      expected: `a folder for each class, with ${endings} files in it`,
      got: `${classNames.length} folders${othersText(empty.flatMap(({ others }) => others))}`,
    });
  }
  if (empty.length > 0) {
    const [{ className, others }] = empty;
    throw new DataError({
      op: directory,
      what: `classes without pictures: ${namesText(empty.map((each) => each.className))}`,
      expected: `${endings} files in each class's folder`,
      got: `none in ${path.join(directory, className)}${othersText(others)}`,
      hint: "convert or add pictures, or take the folder away",
    });
  }
  return { name, directory, files, labels, classNames };
}

/** Some names, on one line. */
function namesText(names: readonly string[]): string {
  return `${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`;
}

/** What files there are instead of pictures. */
function othersText(files: readonly string[]): string {
  const endings = [...new Set(files.map((file) => path.extname(file).toLowerCase() || "no ending"))].sort();
  return endings.length === 0 ? "" : `, but files of ${namesText(endings)}`;
}

/** The first n files of each part; a class keeps its number. */
export function limitPart(part: FolderPart, limit: number | undefined): FolderPart {
  if (limit === undefined || limit >= part.files.length) return part;
  // Spread over the classes: the files are sorted by class.
  return partOf(
    part,
    Array.from({ length: limit }, (_, k) => Math.floor((k * part.files.length) / limit)),
  );
}

/** Some files of a part, by their indices, in order; a class keeps its number. */
export function partOf(part: FolderPart, chosen: ArrayLike<number>): FolderPart {
  const all = Array.from(chosen);
  return { ...part, files: all.map((n) => part.files[n]), labels: all.map((n) => part.labels[n]) };
}

/** Decodes pictures into batches. Batch k of an epoch depends on (seed, epoch, k) alone. */
export class FolderMaker implements BatchMaker {
  readonly batches: number;
  readonly images: number;
  readonly #spec: FolderSpec;
  readonly #streams: LoaderStreams;

  constructor(spec: FolderSpec) {
    const count = spec.part.files.length;
    const last = count % spec.batch;
    this.#spec = spec;
    this.#streams = new LoaderStreams(spec.seed);
    this.batches = Math.ceil(count / spec.batch) - (spec.dropLast && last > 0 && count > last ? 1 : 0);
    this.images = Math.min(count, this.batches * spec.batch);
  }

  async batch(epoch: number, index: number, range?: ShardRange): Promise<Batch> {
    const { part, size, batch, shuffle, augment } = this.#spec;
    const all = part.files.length;
    const order = shuffle ? this.#streams.order(epoch, all) : Uint32Array.from({ length: all }, (_, n) => n);
    const first = index * batch;
    const whole = Math.min(batch, all - first);
    const { start, end } = placeOf(whole, range);
    const indices = order.slice(first + start, first + end);
    const images = new Uint8Array(indices.length * size * size * 3);
    const streams = this.#streams.augmentation(epoch);
    for (const [k, n] of indices.entries()) {
      const picture = await this.#picture(n);
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

  async #picture(n: number) {
    const { directory, files } = this.#spec.part;
    const file = path.join(directory, files[n]);
    return recolor(decodeImage(file, await readFileBytes(file), { maxPixels: this.#spec.maxPixels }), 3);
  }
}
