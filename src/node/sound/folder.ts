/** @file Folders of sound, laid out as Speech Commands: a folder of WAV files for each class, perhaps lists of parts. */
import path from "node:path";
import { check } from "../../core/checks.js";
import { DataError } from "../../core/errors.js";
import type { DatasetSplits, ImageDataset } from "../../data/dataset.js";
import { checkFrontEnd, type FrontEnd } from "../../sound/front-end.js";
import {
  type ClassFolder,
  type FileKind,
  type FolderPart,
  limitPart,
  openClassFolder,
  partOf,
} from "../class-folder.js";
import { exists, pathRule, readFileBytes } from "../files.js";
import { heard } from "./listen.js";

const SOUNDS: FileKind = { noun: "recordings", endings: [".wav"], aside: ["_background_noise_"] };

/** Files that name recordings of one part, a line each: `bed/0c40e715_nohash_0.wav`. */
const TESTING_LIST = "testing_list.txt";
const VALIDATION_LIST = "validation_list.txt";
/** Bytes of a list, and of a recording. */
const MOST_LIST = 2 ** 26;
const MOST_SOUND = 2 ** 28;
/** Bytes of pictures that are held at once. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Lists a folder of recordings. `train/` and `val/` (or `test/`) in it are the parts, as in image folders. Without them
 * the recordings of `testing_list.txt` are the test, and those of `validation_list.txt` are not trained on either;
 * without a testing list they are the test; without any list, training and test are the same recordings.
 * `_background_noise_` is no class.
 *
 * @throws DataError that names what is wrong: no classes, a class without recordings, a list that names what is not there
 */
export async function openAudioFolder(directory: string): Promise<ClassFolder> {
  check("openAudioFolder", "directory", directory, pathRule);
  const folder = await openClassFolder(directory, SOUNDS);
  if (!folder.testIsTraining) return folder;
  const part = folder.train;
  const testing = await listed(part, TESTING_LIST);
  const validation = await listed(part, VALIDATION_LIST);
  const test = testing ?? validation;
  if (test === null) return folder;
  const all = part.files.map((_, n) => n);
  const kept = all.filter((n) => testing?.has(n) !== true && validation?.has(n) !== true);
  if (kept.length === 0) {
    throw new DataError({
      op: part.directory,
      what: "the lists leave nothing to train on",
      expected: "recordings besides",
    });
  }
  return {
    train: { ...partOf(part, kept), name: `${part.name}/train` },
    test: {
      ...partOf(
        part,
        [...test].sort((a, b) => a - b),
      ),
      name: `${part.name}/test`,
    },
    testIsTraining: false,
  };
}

/** Places of the recordings that a list names; null if there is no such list. */
async function listed({ directory, files }: FolderPart, name: string): Promise<Set<number> | null> {
  const file = path.join(directory, name);
  if (!(await exists(file))) return null;
  const places = new Map(files.map((each, n) => [each.split(path.sep).join("/"), n]));
  const lines = new TextDecoder().decode(await readFileBytes(file, { maxBytes: MOST_LIST })).split("\n");
  const chosen = new Set<number>();
  for (const [n, line] of lines.entries()) {
    const wanted = line.trim();
    if (wanted === "") continue;
    const place = places.get(wanted);
    if (place === undefined) {
      const what = `line ${n + 1} names no recording`;
      throw new DataError({ op: file, what, expected: "CLASS/FILE.wav that is there", got: JSON.stringify(wanted) });
    }
    chosen.add(place);
  }
  if (chosen.size === 0) throw new DataError({ op: file, what: "an empty list", expected: "a recording in each line" });
  return chosen;
}

/** Clips of one part. */
async function partHeard(part: FolderPart, front: FrontEnd): Promise<ImageDataset> {
  const { name, classNames, directory, files, labels } = part;
  const most = Math.floor(MOST_BYTES / (front.frames * front.bands));
  if (files.length > most) {
    const what = "too many recordings to hold at once";
    throw new DataError({ op: directory, what, expected: `at most ${most}`, got: `${files.length}` });
  }
  const recordings = files.map((each, n) => {
    const file = path.join(directory, each);
    return { file, label: labels[n], read: () => readFileBytes(file, { maxBytes: MOST_SOUND }) };
  });
  return heard({ name, classes: classNames.length, classNames }, recordings, front);
}

/** A folder of sound as pictures in memory, and whether its test is its training part. */
export interface AudioFolder extends DatasetSplits {
  readonly testIsTraining: boolean;
}

/**
 * Reads a folder of sound; both parts are one object where there is none to test on.
 *
 * @param limits greatest number of recordings of each part, spread over the classes
 * @throws DataError, FormatError
 */
export async function loadAudioFolder(
  directory: string,
  front: FrontEnd,
  limits: Readonly<{ train?: number; test?: number }> = {},
): Promise<AudioFolder> {
  checkFrontEnd("loadAudioFolder", front);
  const folder = await openAudioFolder(directory);
  const { testIsTraining } = folder;
  const train = await partHeard(limitPart(folder.train, limits.train), front);
  if (testIsTraining && limits.train === limits.test) return { train, test: train, testIsTraining };
  return { train, test: await partHeard(limitPart(folder.test, limits.test), front), testIsTraining };
}
