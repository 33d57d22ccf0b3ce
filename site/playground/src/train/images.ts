/** @file Files that are given: IDX, CIFAR-10 and WAV, plain or compressed, read and put into the store. Runs in workers. */
import { datasetInfo } from "coarsegrad/data";
import { readCifar10, readIdx, readTar } from "coarsegrad/io";
import { write } from "../shell/store.js";
import type { ImagesNote, StoredImages } from "./record.js";
import { isSound, storeSounds } from "./sounds.js";

/** A file as it is handed to the worker. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface Part {
  images: Uint8Array[];
  labels: Uint8Array[];
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Files without their compression and archives. */
async function opened(files: readonly GivenFile[]): Promise<GivenFile[]> {
  const all: GivenFile[] = [];
  for (const { name, bytes } of files) {
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzip(bytes) : bytes;
    const own = name.replace(/\.gz$/i, "").replace(/\.tgz$/i, ".tar");
    if (!/\.tar$/i.test(own)) all.push({ name: own, bytes: plain });
    else for (const [inner, content] of readTar(plain)) all.push({ name: inner, bytes: content });
  }
  return all;
}

const isTest = (name: string): boolean => /t10k|test/i.test(name);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Reads files and stores their images.
 *
 * @param grey which set files of 28×28 pixels are, where their names do not say
 * @throws Error, FormatError for files that are not read, or images without labels
 */
export async function storeFiles(files: readonly GivenFile[], grey: "mnist" | "fashion-mnist"): Promise<ImagesNote> {
  const parts: Record<"train" | "test", Part> = {
    train: { images: [], labels: [] },
    test: { images: [], labels: [] },
  };
  let shape: [number, number, number] | null = null;
  const all = await opened(files);
  const sounds = all.filter(isSound);
  if (sounds.length > 0) return storeSounds(sounds);
  for (const { name, bytes } of all) {
    const part = parts[isTest(name) ? "test" : "train"];
    if (bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8) {
      const { shape: extents, data } = readIdx(bytes, name);
      const values = data as Uint8Array;
      if (extents.length === 1) part.labels.push(values);
      else {
        shape = [extents[1], extents[2], extents[3] ?? 1];
        part.images.push(values);
      }
    } else if (/\.bin$/i.test(name)) {
      const { images, labels } = readCifar10(bytes, name);
      shape = [32, 32, 3];
      part.images.push(images);
      part.labels.push(labels);
    } else if (files.length === 1 || !/\.(?:txt|html|md)$/i.test(name)) {
      throw new Error(
        `${name}: expected IDX files (MNIST, Fashion-MNIST), CIFAR-10's .bin files or WAV files, plain or as .gz`,
      );
    }
  }
  if (shape === null) throw new Error("There are no images in these files.");
  const known = shape[2] === 3 ? "cifar10" : shape[0] === 28 && shape[1] === 28 ? grey : null;
  return store(parts, shape, known);
}

async function store(
  parts: Record<"train" | "test", Part>,
  shape: [number, number, number],
  known: ImagesNote["known"],
): Promise<ImagesNote> {
  const size = shape[0] * shape[1] * shape[2];
  const sets = { train: take(parts.train), test: take(parts.test) };
  for (const name of ["train", "test"] as const) {
    const { images, labels } = sets[name];
    if (images.length === size * labels.length) continue;
    throw new Error(
      `The ${name} part has ${images.length / size} images and ${labels.length} labels: give both files of it.`,
    );
  }
  if (sets.train.labels.length === 0) Object.assign(sets, { train: sets.test, test: take(parts.train) });
  if (sets.test.labels.length === 0) Object.assign(sets, split(sets.train, size));
  const most = sets.train.labels.reduce((a, b) => Math.max(a, b), 0) + 1;
  const whole = known !== null && most <= 10;
  const classNames = whole ? datasetInfo(known).classNames : Array.from({ length: most }, (_, i) => `${i}`);
  const title = whole ? datasetInfo(known).title : "Your images";
  const own: ImagesNote["known"] = whole ? known : null;
  const key = `files-${crypto.randomUUID?.() ?? Date.now()}`;
  const note = {
    key,
    title,
    known: own,
    shape,
    classNames,
    train: sets.train.labels.length,
    test: sets.test.labels.length,
  };
  const stored: StoredImages = {
    ...note,
    pixels: { train: sets.train.images, test: sets.test.images },
    labels: { train: sets.train.labels, test: sets.test.labels },
  };
  await write([["images", key, stored]]);
  return note;
}

interface LabelledPixels {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

function take({ images, labels }: Part): LabelledPixels {
  return { images: joined(images), labels: joined(labels) };
}

/** Without test images, every sixth image is one. */
function split({ images, labels }: LabelledPixels, size: number): { train: LabelledPixels; test: LabelledPixels } {
  const pick = (wanted: (n: number) => boolean): LabelledPixels => {
    const indices = [...labels.keys()].filter(wanted);
    return {
      images: joined(indices.map((n) => images.subarray(n * size, (n + 1) * size))),
      labels: Uint8Array.from(indices, (n) => labels[n]),
    };
  };
  return { train: pick((n) => n % 6 !== 5), test: pick((n) => n % 6 === 5) };
}
