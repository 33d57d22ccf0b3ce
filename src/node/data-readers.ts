/** @file Reading the files of public image sets, packed or plain: IDX and CIFAR-10. */
import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import { FormatError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import { type DatasetSplits, type ImageDataset, imageDataset, subset } from "../data/dataset.js";
import type { DatasetInfo } from "../data/registry.js";
import { CIFAR10_RECORD, readCifar10 } from "../io/cifar.js";
import { readIdx } from "../io/idx.js";
import { readTar } from "../io/tar.js";
import { readFileBytes } from "./files.js";

/** The files of an IDX set: images and labels of each part. */
export const IDX_STEMS = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
];
/** The batches of CIFAR-10, … */
export const CIFAR_TRAIN = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`);
export const CIFAR_TEST = "test_batch.bin";
/** … and the archive that holds them all. */
export const CIFAR_ARCHIVE = "cifar-10-binary.tar.gz";
/** Paths by stem; a CIFAR archive stands for all. */
export interface FilesByStem {
  readonly paths: ReadonlyMap<string, string>;
}

/** Images or labels in a part, beyond those that the public set has: sets of one's own in the same format. */
const MAX_IMAGES = 2 ** 18;
/** Bytes of a CIFAR batch and of the archive of six, with room for sets of one's own. */
const MAX_BATCH = 2 ** 15 * CIFAR10_RECORD;
export const MAX_ARCHIVE = 2 ** 28;
/** Bytes of headers, and what packing adds to data that it cannot pack. */
const SLACK = 2 ** 16;

const gunzipAsync = promisify(gunzip);
const brotliAsync = promisify(brotliDecompress);

/**
 * Reads a file and unpacks it by its suffix.
 *
 * @param most bytes that the data set can have there; packed files that hold more are unpacked no further
 */
export async function readUnpacked(path: string, most: number): Promise<Uint8Array> {
  const bytes = await readFileBytes(path, { maxBytes: most + SLACK });
  const packed = path.endsWith(".gz") ? "gzip" : path.endsWith(".br") ? "Brotli" : null;
  if (packed === null) return bytes;
  try {
    const options = { maxOutputLength: most };
    return await (packed === "gzip" ? gunzipAsync(bytes, options) : brotliAsync(bytes, options));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new FormatError({
        op: path,
        what: "holds more than the data set can have",
        expected: `at most ${most} bytes, unpacked`,
        got: "more",
        hint: "a limit of the reader; fetch the file again",
      });
    }
    const expected = `a complete ${packed} stream`;
    const got = (error as Error).message;
    throw new FormatError({ op: path, what: "cannot be unpacked", expected, got, hint: "fetch the file again" });
  }
}

/** One part of an IDX set. @throws FormatError */
export async function loadIdxPart(
  info: DatasetInfo,
  part: "train" | "test",
  location: FilesByStem,
  limit: number,
): Promise<ImageDataset> {
  const [imageStem, labelStem] = part === "train" ? IDX_STEMS : IDX_STEMS.slice(2);
  const imagePath = location.paths.get(imageStem) as string;
  const labelPath = location.paths.get(labelStem) as string;
  const [height, width] = info.shape;
  const pixels = readIdx(await readUnpacked(imagePath, MAX_IMAGES * height * width + SLACK), imagePath);
  const labels = readIdx(await readUnpacked(labelPath, MAX_IMAGES + SLACK), labelPath);
  const { shape } = pixels;
  if (
    kindOf(pixels.data) !== "Uint8Array" ||
    shape.length !== 3 ||
    shape[1] !== height ||
    shape[2] !== width ||
    shape[0] === 0
  ) {
    const expected = `u8 images [N,${height},${width}]`;
    throw new FormatError({ op: imagePath, what: "not the expected images", expected, got: `[${shape.join(",")}]` });
  }
  if (kindOf(labels.data) !== "Uint8Array" || labels.shape.length !== 1 || labels.shape[0] !== shape[0]) {
    const expected = `u8 labels [${shape[0]}], one for each image`;
    throw new FormatError({ op: labelPath, what: "not the labels", expected, got: `[${labels.shape.join(",")}]` });
  }
  return subset(datasetOf(info, part, pixels.data as Uint8Array, labels.data as Uint8Array, labelPath), limit);
}

function datasetOf(info: DatasetInfo, part: string, images: Uint8Array, labels: Uint8Array, file: string) {
  const { shape, classes, classNames } = info;
  return imageDataset({ name: `${info.name}/${part}`, shape, classes, classNames, images, labels }, file);
}

async function loadCifarPart(
  info: DatasetInfo,
  part: "train" | "test",
  read: (stem: string) => Promise<{ bytes: Uint8Array; file: string }>,
  limit: number,
): Promise<ImageDataset> {
  const images: Uint8Array[] = [];
  const labels: Uint8Array[] = [];
  let count = 0;
  for (const stem of part === "train" ? CIFAR_TRAIN : [CIFAR_TEST]) {
    // Unpacking a batch takes a fifth of a second, so that small limits stop here.
    if (count >= limit) break;
    const { bytes, file } = await read(stem);
    const wanted = Math.min(bytes.length, (limit - count) * CIFAR10_RECORD);
    const batch = readCifar10(bytes.length % CIFAR10_RECORD === 0 ? bytes.subarray(0, wanted) : bytes, file);
    images.push(batch.images);
    labels.push(batch.labels);
    count += batch.count;
  }
  return datasetOf(info, part, joined(images), joined(labels), info.name);
}

/** Not `Buffer.concat`: the slices of a Buffer share its memory. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** CIFAR-10, from its batches or their archive. @throws FormatError */
export async function loadCifar(
  info: DatasetInfo,
  location: FilesByStem,
  train: number,
  test: number,
): Promise<DatasetSplits> {
  const archive = location.paths.get(CIFAR_ARCHIVE);
  const members = archive === undefined ? null : readTar(await readUnpacked(archive, MAX_ARCHIVE), archive);
  const read = async (stem: string) => {
    if (archive === undefined || members === null) {
      const file = location.paths.get(stem) as string;
      return { bytes: await readUnpacked(file, MAX_BATCH), file };
    }
    const member = [...members].find(([path]) => path === stem || path.endsWith(`/${stem}`));
    if (member === undefined) throw new FormatError({ op: archive, what: "incomplete archive", expected: stem });
    return { bytes: member[1], file: `${archive}:${member[0]}` };
  };
  return {
    train: await loadCifarPart(info, "train", read, train),
    test: await loadCifarPart(info, "test", read, test),
  };
}
