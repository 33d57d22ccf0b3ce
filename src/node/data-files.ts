/** @file Finding, reading and unpacking the files of data sets. */
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import {
  anything,
  check,
  checkOptions,
  either,
  integer,
  numeric,
  type OptionRules,
  type Rule,
  record,
  refuse,
  text,
} from "../core/checks.js";
import { ArgumentError, DataError, FormatError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import { type DatasetSplits, type ImageDataset, imageDataset, subset } from "../data/dataset.js";
import { digits } from "../data/digits.js";
import { DATASET_NAMES, type DatasetInfo, datasetInfo } from "../data/registry.js";
import { CIFAR10_RECORD, readCifar10 } from "../io/cifar.js";
import { readIdx } from "../io/idx.js";
import { readTar } from "../io/tar.js";
import { checkFrontEnd, type FrontEnd } from "../sound/front-end.js";
import { isFolder, readFileBytes } from "./files.js";
import { loadFsdd, takesOfArchive, takesOfFolder } from "./sound/fsdd.js";
import {
  findTinyImagenet,
  lookAtTinyImagenet,
  openTinyImagenet,
  PIXEL_FILE,
  type PixelsKnown,
  PREPARE_RULES,
  type PrepareOptions,
  pixelsInMemory,
  type TinyFound,
} from "./tiny-imagenet/open.js";
import type { PixelFile } from "./tiny-imagenet/pixel-file.js";

/** Where to look for data sets. */
export interface DataPlaces {
  /** The user's own data directory, the only one that is looked at; it may also be the folder of one data set. */
  readonly dataDir?: string;
  /** Environment, of which COARSEGRAD_DATA, XDG_DATA_HOME and LOCALAPPDATA are read. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Home directory. @default os.homedir() */
  readonly home?: string;
  /** Operating system, as Node names it. @default process.platform */
  readonly platform?: string;
}

/** Options of {@link loadDataset}. */
export interface LoadOptions extends DataPlaces, PrepareOptions {
  /** Seed of generated data. @default 1 */
  readonly seed?: number | string;
  /** Greatest number of images of each part, taken from its start; for generated data, the number to draw. */
  readonly limits?: { readonly train?: number; readonly test?: number };
  /** Of a data set of sound: how the pictures are made. @default the data set's own front end */
  readonly sound?: FrontEnd;
}

/** What places are. */
const PLACES: OptionRules<DataPlaces> = { dataDir: text, env: record, home: text, platform: text };
/** A number of images. */
const LIMIT: Rule = (value) => (value === Number.POSITIVE_INFINITY ? null : integer(0)(value));

/** The user's folder for the data of programs, by the customs of the operating system. */
function platformFolder({ env = process.env, home = homedir(), platform = process.platform }: DataPlaces): string {
  if (platform === "darwin") return join(home, "Library", "Application Support", "coarsegrad");
  if (platform === "win32") return join(env["LOCALAPPDATA"] || join(home, "AppData", "Local"), "coarsegrad");
  return join(env["XDG_DATA_HOME"] || join(home, ".local", "share"), "coarsegrad");
}

/**
 * The data directory that downloads go to unless told otherwise: COARSEGRAD_DATA, or else the operating system's usual
 * one: `$XDG_DATA_HOME/coarsegrad` (`~/.local/share/coarsegrad`), `~/Library/Application Support/coarsegrad`,
 * `%LOCALAPPDATA%\\coarsegrad`.
 */
export function dataFolder(places: DataPlaces = {}): string {
  checkOptions("dataFolder", places, PLACES);
  const { env = process.env } = places;
  return env["COARSEGRAD_DATA"] || platformFolder(places);
}

/**
 * Data directories in the order in which they are looked at: the user's own alone; without one COARSEGRAD_DATA, then
 * the operating system's usual one.
 */
export function dataRoots(places: DataPlaces = {}): string[] {
  checkOptions("dataRoots", places, PLACES);
  const { dataDir, env = process.env } = places;
  if (dataDir !== undefined) return [dataDir];
  const own = env["COARSEGRAD_DATA"];
  return own ? [own, platformFolder(places)] : [platformFolder(places)];
}

const IDX_STEMS = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
];
const CIFAR_TRAIN = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`);
const CIFAR_TEST = "test_batch.bin";
const CIFAR_ARCHIVE = "cifar-10-binary.tar.gz";
/** The spoken digits: all recordings in one archive, or as their repository has them. */
const FSDD_ARCHIVE = "fsdd.tar.gz";
const FSDD_FOLDER = "recordings";

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

const isFile = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/**
 * Names that a file goes by: its own; with a dot before the kind, as many copies of MNIST have it; and either of them
 * in a folder of the same name, as Kaggle unpacks them.
 */
function namesOf(stem: string): string[] {
  const names = [stem, stem.replace(/-(idx\d-ubyte)$/, ".$1")];
  return [...new Set([...names, ...names.flatMap((folder) => names.map((name) => join(folder, name)))])];
}

/** The file `stem` of a directory, plain or packed, or null. */
async function findFile(directory: string, stem: string): Promise<string | null> {
  for (const name of stem.includes("idx") ? namesOf(stem) : [stem]) {
    for (const suffix of ["", ".gz", ".br"]) {
      if (await isFile(join(directory, name + suffix))) return join(directory, name + suffix);
    }
  }
  return null;
}

/** Paths of a data set's files by stem; a CIFAR archive stands for all. */
interface DataLocation {
  readonly directory: string;
  readonly tiny?: TinyFound;
  readonly paths: ReadonlyMap<string, string>;
}

/** What a directory holds of a data set, and the stems of what it does not. */
interface Found extends DataLocation {
  readonly missing: readonly string[];
}

async function findIn(directory: string, info: DatasetInfo, cacheDir: string | undefined): Promise<Found> {
  if (info.format === "tiny-imagenet") {
    const tiny = await findTinyImagenet(directory, cacheDir);
    return tiny === null
      ? { directory, paths: new Map(), missing: [info.files[0].name] }
      : { directory: tiny.directory, paths: new Map(), missing: [], tiny };
  }
  if (info.format === "cifar") {
    const archive = await findFile(directory, CIFAR_ARCHIVE);
    if (archive !== null) return { directory, paths: new Map([[CIFAR_ARCHIVE, archive]]), missing: [] };
  }
  if (info.format === "fsdd") {
    const archive = join(directory, FSDD_ARCHIVE);
    if (await isFile(archive)) return { directory, paths: new Map([[FSDD_ARCHIVE, archive]]), missing: [] };
    const folder = join(directory, FSDD_FOLDER);
    if (await isFolder(folder)) return { directory, paths: new Map([[FSDD_FOLDER, folder]]), missing: [] };
    return { directory, paths: new Map(), missing: [FSDD_ARCHIVE] };
  }
  const paths = new Map<string, string>();
  const missing: string[] = [];
  for (const stem of info.format === "idx" ? IDX_STEMS : [...CIFAR_TRAIN, CIFAR_TEST]) {
    const path = await findFile(directory, stem);
    if (path === null) missing.push(stem);
    else paths.set(stem, path);
  }
  return { directory, paths, missing };
}

/** The files of each format, for messages. */
const WANTED: Readonly<Record<DatasetInfo["format"], string>> = {
  generated: "none",
  idx: `${IDX_STEMS[0]}(.gz) and the other three files`,
  cifar: `data_batch_1.bin(.br, .gz) … ${CIFAR_TEST}, or ${CIFAR_ARCHIVE}`,
  "tiny-imagenet": `tiny-imagenet-200.zip, or train/, val/, wnids.txt and words.txt of it, or ${PIXEL_FILE}`,
  fsdd: `${FSDD_ARCHIVE} or ${FSDD_FOLDER}/`,
};

async function locate(info: DatasetInfo, places: DataPlaces, cacheDir?: string): Promise<DataLocation> {
  const candidates = dataRoots(places).flatMap((root) => info.folders.map((folder) => join(root, folder)));
  // A folder that is named directly may have any name, except that of another data set in the same format.
  const { dataDir } = places;
  if (dataDir !== undefined && !(await isFolder(dataDir))) {
    const got = (await exists(dataDir)) ? "a file" : "no such folder";
    throw new DataError({ op: dataDir, what: "not a data directory", expected: "a folder that is there", got });
  }
  const others = DATASET_NAMES.filter((name) => name !== info.name.split(":")[0]).flatMap(
    (name) => datasetInfo(name).folders,
  );
  if (dataDir !== undefined && !others.some((folder) => basename(folder) === basename(dataDir))) {
    candidates.unshift(dataDir);
  }
  let partial: Found | null = null;
  for (const directory of candidates) {
    const found = await findIn(directory, info, cacheDir);
    if (found.missing.length === 0) return found;
    if (found.paths.size > (partial?.paths.size ?? 0)) partial = found;
  }
  const place = dataDir === undefined ? "" : ` --data-dir ${dataDir}`;
  throw new DataError({
    op: info.name,
    what: "data set not found",
    ...(partial !== null && { got: `${partial.directory} without ${partial.missing.join(", ")}` }),
    expected: `${WANTED[info.format]} in one of ${candidates.join(", ")}`,
    hint: `${info.origin === undefined ? `run "coarsegrad data download ${info.name}${place}"` : `clone ${info.origin}`}, or name ${dataDir === undefined ? "a" : "another"} directory with --data-dir or COARSEGRAD_DATA`,
  });
}

/**
 * Finds the directory that holds the files of a data set.
 * @param name a public data set
 * @param places where to look
 * @returns the directory
 * @throws DataError listing every place looked at; ArgumentError on an unknown name or a generated data set
 */
export async function findDataDir(name: string, places: DataPlaces = {}): Promise<string> {
  checkOptions("findDataDir", places, PLACES);
  const info = datasetInfo(name);
  if (info.format === "generated") {
    throw new ArgumentError({ op: name, what: "has no files", hint: "it is generated when it is asked for" });
  }
  return (await locate(info, places, cacheOf(places))).directory;
}

/** Images or labels in a part, beyond those that the public set has: sets of one's own in the same format. */
const MAX_IMAGES = 2 ** 18;
/** Bytes of a CIFAR batch and of the archive of six, with room for sets of one's own. */
const MAX_BATCH = 2 ** 15 * CIFAR10_RECORD;
const MAX_ARCHIVE = 2 ** 28;
/** Bytes of headers, and what packing adds to data that it cannot pack. */
const SLACK = 2 ** 16;

const gunzipAsync = promisify(gunzip);
const brotliAsync = promisify(brotliDecompress);

/**
 * Reads a file and unpacks it by its suffix.
 *
 * @param most bytes that the data set can have there; packed files that hold more are unpacked no further
 */
async function readUnpacked(path: string, most: number): Promise<Uint8Array> {
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

async function loadIdxPart(info: DatasetInfo, part: "train" | "test", location: DataLocation, limit: number) {
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

async function loadCifar(
  info: DatasetInfo,
  location: DataLocation,
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

/** Where decoded pictures of a data set are to be: in the folder that is named for them, else beside the data. */
function cacheOf({ cacheDir, env = process.env }: DataPlaces & PrepareOptions): string | undefined {
  return cacheDir ?? (env["COARSEGRAD_CACHE"] || undefined);
}

/**
 * The decoded pictures of a data set that has them in a file, which is made if it is not there; null for other sets.
 *
 * @throws DataError, FormatError if the files are nowhere, or broken
 */
export async function openDatasetPixels(
  name: string,
  options: DataPlaces & PrepareOptions = {},
): Promise<PixelFile | null> {
  const info = datasetInfo(name);
  if (info.format !== "tiny-imagenet") return null;
  const { dataDir, env, home, platform, threads, onPrepare, signal } = options;
  const { tiny } = await locate(info, { dataDir, env, home, platform }, cacheOf(options));
  return openTinyImagenet(info, tiny as TinyFound, { threads, onPrepare, signal });
}

/** What is known of a data set's decoded pictures; nothing is decoded. Null for sets without. */
export async function lookAtPixels(name: string, places: DataPlaces = {}): Promise<PixelsKnown | null> {
  const info = datasetInfo(name);
  if (info.format !== "tiny-imagenet") return null;
  const { tiny } = await locate(info, places, cacheOf(places));
  return lookAtTinyImagenet(info, tiny as TinyFound);
}

/**
 * Loads a data set by name: draws generated digits, or finds, unpacks and reads the files of a public set.
 * @param name one of `DATASET_NAMES`
 * @param options where to look, seed of generated data, limits
 * @returns both parts
 * @throws DataError if the files are nowhere; FormatError if one is broken; ArgumentError on an unknown name or a bad
 * limit
 */
export async function loadDataset(name: string, options: LoadOptions = {}): Promise<DatasetSplits> {
  const info = datasetInfo(name);
  checkOptions("loadDataset", options, {
    ...PLACES,
    ...PREPARE_RULES,
    seed: either(numeric, text),
    limits: record,
    sound: record,
  });
  const { dataDir, env, home, platform, seed = 1, limits = {}, sound = info.sound } = options;
  checkOptions("loadDataset", limits, { train: anything, test: anything });
  for (const limit of [limits.train, limits.test]) if (limit !== undefined) check(name, "limit", limit, LIMIT);
  if (sound !== undefined) {
    if (info.sound === undefined) refuse("loadDataset", "sound", `none: ${name} are no recordings`, sound);
    checkFrontEnd("loadDataset", sound);
  }
  if (info.format === "generated") {
    return digits({ seed, train: limits.train ?? info.train, test: limits.test ?? info.test });
  }
  const { train = Infinity, test = Infinity } = limits;
  const pixels = await openDatasetPixels(name, options);
  if (pixels !== null) {
    return { train: await pixelsInMemory(pixels.train, train), test: await pixelsInMemory(pixels.test, test) };
  }
  const location = await locate(info, { dataDir, env, home, platform });
  if (info.format === "fsdd") {
    const archive = location.paths.get(FSDD_ARCHIVE);
    const takes =
      archive === undefined
        ? await takesOfFolder(location.paths.get(FSDD_FOLDER) as string)
        : takesOfArchive(await readUnpacked(archive, MAX_ARCHIVE), archive);
    return loadFsdd({ ...info, sound }, takes, location.directory, { train, test });
  }
  if (info.format === "cifar") return loadCifar(info, location, train, test);
  return {
    train: await loadIdxPart(info, "train", location, train),
    test: await loadIdxPart(info, "test", location, test),
  };
}
