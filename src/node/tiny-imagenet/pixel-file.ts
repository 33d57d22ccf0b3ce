/**
 * @file Decoded pictures in a file: a safetensors file whose header has a fixed length, so that pixels can be written
 * before their digest is known, and read at their places without the rest.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { CoarsegradError, DataError } from "../../core/errors.js";
import type { ImageShape } from "../../data/dataset.js";
import type { DatasetInfo } from "../../data/registry.js";
import { safetensorsMetadata } from "../../io/safetensors.js";
import { flushDirectory, temporaryName } from "../files.js";
import { readPiece, writePiece } from "../pieces.js";
import { clearTemporaries } from "../run/leftovers.js";

/** Version of what the file holds: other ones are made anew. */
const VERSION = "1";
const FORMAT = "coarsegrad-pixels";
/** Bytes before the pixels. */
const HEADER = 4096;
const BLOCK = 2 ** 23;

/** Pictures of one part in the file. */
export interface PixelPart {
  /** Name for messages, such as `tiny-imagenet/train`. */
  readonly name: string;
  readonly shape: ImageShape;
  readonly classes: number;
  readonly classNames: readonly string[];
  /** The file, and where in it the first picture begins. */
  readonly file: string;
  readonly at: number;
  /** Class of each picture. */
  readonly labels: Uint8Array;
}

/** What a file of pictures holds. */
export interface PixelFile {
  readonly train: PixelPart;
  readonly test: PixelPart;
  /** SHA-256 of all bytes behind the header: pixels and labels of the training part, then of the test part. */
  readonly sha256: string;
}

/** Labels of both parts; there are as many pictures. */
interface Labels {
  readonly train: Uint8Array;
  readonly test: Uint8Array;
}

const sizeOf = ([height, width, channels]: ImageShape): number => height * width * channels;

function partsOf(info: DatasetInfo, file: string, { train, test }: Labels): Omit<PixelFile, "sha256"> {
  const { name, shape, classes, classNames } = info;
  const common = { shape, classes, classNames, file };
  const second = HEADER + train.length * (sizeOf(shape) + 1);
  return {
    train: { ...common, name: `${name}/train`, at: HEADER, labels: train },
    test: { ...common, name: `${name}/test`, at: second, labels: test },
  };
}

function headerOf(info: DatasetInfo, { train, test }: Labels, source: string, sha256: string): Uint8Array {
  let at = 0;
  const entry = (shape: readonly number[]): object => {
    const begin = at;
    at += shape.reduce((size, extent) => size * extent, 1);
    return { dtype: "U8", shape, data_offsets: [begin, at] };
  };
  const text = JSON.stringify({
    __metadata__: { format: FORMAT, version: VERSION, data: info.name, source, sha256 },
    "train.images": entry([train.length, ...info.shape]),
    "train.labels": entry([train.length]),
    "test.images": entry([test.length, ...info.shape]),
    "test.labels": entry([test.length]),
  });
  const bytes = new Uint8Array(HEADER).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(HEADER - 8), true);
  bytes.set(new TextEncoder().encode(text), 8);
  return bytes;
}

async function digestOf(handle: FileHandle, file: string, length: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const block = new Uint8Array(BLOCK);
  for (let at = HEADER; at < length; at += BLOCK) {
    signal?.throwIfAborted();
    const piece = block.subarray(0, Math.min(BLOCK, length - at));
    await readPiece(handle, file, piece, at);
    hash.update(piece);
  }
  return hash.digest("hex");
}

/**
 * Opens a file of pictures: its digest is computed again, so that what is trained on is what was decoded.
 *
 * @param source fingerprint of the files that it was made from; undefined: whatever they were
 * @returns the file, or why it is not taken
 */
export async function openPixels(
  file: string,
  info: DatasetInfo,
  source: string | undefined,
  signal?: AbortSignal,
): Promise<PixelFile | { readonly refused: "absent" | "other" | "damaged" }> {
  const handle = await open(file, "r").catch(() => null);
  if (handle === null) return { refused: "absent" };
  try {
    const { size } = await handle.stat();
    const header = new Uint8Array(HEADER);
    await readPiece(handle, file, header, 0);
    const metadata = safetensorsMetadata(header, file);
    const { format, version, data, source: own, sha256 } = metadata;
    if (format !== FORMAT || version !== VERSION || data !== info.name) return { refused: "other" };
    if (source !== undefined && own !== source) return { refused: "other" };
    const entries = JSON.parse(new TextDecoder().decode(header.subarray(8))) as Record<string, { shape: number[] }>;
    const [train, test] = ["train", "test"].map((part) => new Uint8Array(entries[`${part}.labels`].shape[0]));
    const parts = partsOf(info, file, { train, test });
    const pixels = sizeOf(info.shape);
    // What stands there is what would be written for so many pictures, to the last byte.
    const wanted = headerOf(info, { train, test }, own, sha256);
    if (!wanted.every((byte, i) => byte === header[i])) return { refused: "damaged" };
    const length = parts.test.at + test.length * (pixels + 1);
    if (size !== length || (await digestOf(handle, file, length, signal)) !== sha256) return { refused: "damaged" };
    await readPiece(handle, file, train, parts.train.at + train.length * pixels);
    await readPiece(handle, file, test, parts.test.at + test.length * pixels);
    return { ...parts, sha256 };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof CoarsegradError || error instanceof TypeError || error instanceof RangeError) {
      return { refused: "damaged" };
    }
    throw new DataError({ op: file, what: "cannot be read", got: (error as Error).message });
  } finally {
    await handle.close();
  }
}

/**
 * Makes a file of pictures: beside it first, flushed, then under its name, so that it is there wholly or not at all.
 *
 * @param source fingerprint of the files that it is made from
 * @param fill writes the pixels into the file that it is given, each part at its place
 * @throws DataError if it cannot be written; what `fill` throws
 */
export async function makePixels(
  file: string,
  info: DatasetInfo,
  labels: Labels,
  source: string,
  fill: (parts: Omit<PixelFile, "sha256">) => Promise<void>,
): Promise<PixelFile> {
  const directory = path.dirname(file);
  // What killed processes left is as large as this will be.
  await clearTemporaries(directory);
  const temporary = path.join(directory, temporaryName(path.basename(file)));
  const parts = partsOf(info, temporary, labels);
  const pixels = sizeOf(info.shape);
  const length = parts.test.at + labels.test.length * (pixels + 1);
  try {
    const handle = await open(temporary, "wx+");
    try {
      await handle.truncate(length);
      await fill(parts);
      for (const { at, labels } of [parts.train, parts.test]) {
        await writePiece(handle, labels, at + labels.length * pixels);
      }
      const sha256 = await digestOf(handle, temporary, length);
      await writePiece(handle, headerOf(info, labels, source, sha256), 0);
      await handle.sync();
      await rename(temporary, file);
      await flushDirectory(directory);
      return { ...partsOf(info, file, labels), sha256 };
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof CoarsegradError || code === undefined || typeof code !== "string") throw error;
    throw new DataError({
      op: file,
      what: "cannot be written",
      expected: `a folder that can take ${length} bytes`,
      got: message,
      hint: "COARSEGRAD_CACHE names another folder",
    });
  }
}
