/** @file Tiny-ImageNet as it is read: decoded once into a file, of which each reader takes what it needs. */
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { callable, integer, type OptionRules, text } from "../../core/checks.js";
import { DataError } from "../../core/errors.js";
import { allocate, type ImageDataset, imageDataset, imageSize } from "../../data/dataset.js";
import type { DatasetInfo } from "../../data/registry.js";
import { signalRule } from "../../train/options.js";
import { readPiece } from "../pieces.js";
import { decodePictures } from "./decode.js";
import { listTiny, type Picture } from "./listing.js";
import { makePixels, openPixels, type PixelFile, type PixelPart } from "./pixel-file.js";
import { findTiny, openTiny, type TinyPlace } from "./tree.js";

/** Name of the file of decoded pictures. */
export const PIXEL_FILE = "tiny-imagenet-200.pixels.safetensors";

/** How pictures are decoded, the first time that a data set of pictures is read. */
export interface PrepareOptions {
  /**
   * Threads that decode pictures. They run the file that this library is in: not for programs that are bundled into one
   * file with it, unless that file does nothing else in a worker. @default 1: the caller's
   */
  readonly threads?: number;
  /** Folder for decoded pictures. @default COARSEGRAD_CACHE, or beside the data */
  readonly cacheDir?: string;
  /** Told how many pictures are decoded, of how many. */
  readonly onPrepare?: (progress: { done: number; total: number }) => void;
  /** Ends the decoding early, by throwing its reason. */
  readonly signal?: AbortSignal;
}

/** What the options may be. */
export const PREPARE_RULES: OptionRules<PrepareOptions> = {
  threads: integer(1, 256),
  cacheDir: text,
  onPrepare: callable,
  signal: signalRule,
};

/** The data set in a directory: its files, or decoded pictures alone. */
export interface TinyFound {
  /** The folder that train/ is in, or the archive. */
  readonly directory: string;
  readonly place: TinyPlace | null;
  /** The file of decoded pictures; it may not be there yet. */
  readonly pixels: string;
}

/** What a directory holds of the data set; null if nothing. @param cacheDir folder for decoded pictures */
export async function findTinyImagenet(directory: string, cacheDir: string | undefined): Promise<TinyFound | null> {
  const place = await findTiny(directory);
  if (place?.kind === "folder") directory = place.path;
  const pixels = path.join(cacheDir ?? directory, PIXEL_FILE);
  if (place !== null) return { directory, place, pixels };
  const known = await open(pixels, "r").catch(() => null);
  await known?.close();
  return known === null ? null : { directory, place: null, pixels };
}

/**
 * Opens the decoded pictures, and decodes them first if that was not done yet, or if the files have changed since.
 *
 * @throws DataError, FormatError if the files are not the data set's; DataError if the pictures cannot be written
 */
export async function openTinyImagenet(
  info: DatasetInfo,
  { place, pixels }: TinyFound,
  { threads = 1, onPrepare = () => {}, signal }: PrepareOptions = {},
): Promise<PixelFile> {
  if (place === null) {
    const found = await openPixels(pixels, info, undefined, signal);
    if ("sha256" in found) return found;
    return refuseAlone(pixels, info, found.refused);
  }
  const tree = await openTiny(place);
  try {
    const source = await tree.fingerprint();
    const found = await openPixels(pixels, info, source, signal);
    if ("sha256" in found) return found;
    const { train, test } = await listTiny(tree);
    await mkdir(path.dirname(pixels), { recursive: true }).catch(() => {});
    const total = train.length + test.length;
    onPrepare({ done: 0, total });
    return await makePixels(pixels, info, { train: labelsOf(train), test: labelsOf(test) }, source, (parts) =>
      decodePictures(
        { place, out: parts.train.file, shape: info.shape },
        [
          { files: train.map(({ file }) => file), at: parts.train.at },
          { files: test.map(({ file }) => file), at: parts.test.at },
        ],
        { threads, onPictures: (done) => onPrepare({ done, total }), signal },
      ),
    );
  } finally {
    await tree.close();
  }
}

/** What is known of decoded pictures without decoding any. */
export interface PixelsKnown {
  /** The file that they are in, or will be. */
  readonly file: string;
  /** Of the file; null if there is none yet, or it is not of these files. */
  readonly sha256: string | null;
  /** Class of each picture. */
  readonly train: Uint8Array;
  readonly test: Uint8Array;
}

/** Looks at the data set: nothing is decoded. @throws as {@link openTinyImagenet} */
export async function lookAtTinyImagenet(info: DatasetInfo, { place, pixels }: TinyFound): Promise<PixelsKnown> {
  const tree = place === null ? null : await openTiny(place);
  try {
    const found = await openPixels(pixels, info, await tree?.fingerprint());
    if ("sha256" in found) {
      return { file: pixels, sha256: found.sha256, train: found.train.labels, test: found.test.labels };
    }
    if (tree === null) refuseAlone(pixels, info, found.refused);
    const { train, test } = await listTiny(tree);
    return { file: pixels, sha256: null, train: labelsOf(train), test: labelsOf(test) };
  } finally {
    await tree?.close();
  }
}

const labelsOf = (pictures: readonly Picture[]): Uint8Array => Uint8Array.from(pictures, ({ label }) => label);

function refuseAlone(pixels: string, info: DatasetInfo, why: string): never {
  const what = why === "damaged" ? "damaged" : "not the decoded pictures that are read";
  const hint = "put the data set's archive or folder beside it";
  throw new DataError({ op: pixels, what, expected: `those of ${info.title}`, got: why, hint });
}

/** The first pictures of a part in memory. @throws DataError if they cannot be read; MemoryError */
export async function pixelsInMemory(part: PixelPart, limit: number): Promise<ImageDataset> {
  const { name, shape, classes, classNames, file, at } = part;
  const labels = part.labels.slice(0, limit);
  const images = allocate(name, labels.length * imageSize({ shape }));
  const handle = await open(file, "r").catch((error: Error) => {
    throw new DataError({ op: file, what: "cannot be read", got: error.message });
  });
  try {
    await readPiece(handle, file, images, at);
  } finally {
    await handle.close();
  }
  return imageDataset({ name, shape, classes, classNames, images, labels }, file);
}
