/** @file The Free Spoken Digit Dataset: one archive, or the recordings in a folder, and the splits of them. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { FormatError } from "../../core/errors.js";
import type { DatasetSplits } from "../../data/dataset.js";
import type { DatasetInfo } from "../../data/registry.js";
import { readTar } from "../../io/tar.js";
import type { FrontEnd } from "../../sound/front-end.js";
import { readFileBytes } from "../files.js";
import { heard, type Recording } from "./listen.js";

/** Takes of a digit by a speaker that the official test has: the first. */
const TEST_TAKES = 5;
const SPEAKERS = 6;
const MOST_SOUND = 2 ** 22;

/** A recording and what its name says. */
interface Take extends Recording {
  readonly speaker: string;
  readonly take: number;
}

/** `recordings/7_theo_12.wav`: digit, speaker, take. */
const NAME = /^(\d)_([a-z0-9]+)_(\d+)\.wav$/;

function takeOf(file: string, name: string, read: Recording["read"]): Take {
  const match = NAME.exec(name);
  if (match === null) {
    const expected = "DIGIT_SPEAKER_TAKE.wav";
    throw new FormatError({ op: file, what: "not a recording of this data set", expected, got: name });
  }
  return { file, label: Number(match[1]), speaker: match[2], take: Number(match[3]), read };
}

/** WAV files in a folder of the repository. */
export async function takesOfFolder(folder: string): Promise<Take[]> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith(".") && name.endsWith(".wav"));
  return names.map((name) => {
    const file = path.join(folder, name);
    return takeOf(file, name, () => readFileBytes(file, { maxBytes: MOST_SOUND }));
  });
}

/** WAV files of an archive. */
export function takesOfArchive(bytes: Uint8Array, archive: string): Take[] {
  return [...readTar(bytes, archive)]
    .filter(([name]) => name.endsWith(".wav") && !path.posix.basename(name).startsWith("."))
    .map(([name, contents]) => takeOf(`${archive}:${name}`, path.posix.basename(name), () => contents));
}

/**
 * The split that a name asks for: `fsdd` tests on takes 0 to 4; `fsdd:s3` on all takes of the fourth speaker, in the
 * alphabetical order of names. Recordings go by take, digit and speaker, so that the first n are of all classes.
 *
 * @param sound how the pictures are made
 * @throws FormatError if there are not six speakers, or a part lacks a digit
 */
export async function loadFsdd(
  info: DatasetInfo,
  takes: readonly Take[],
  place: string,
  limits: Readonly<{ train: number; test: number }>,
): Promise<DatasetSplits> {
  const speakers = [...new Set(takes.map(({ speaker }) => speaker))].sort();
  if (speakers.length !== SPEAKERS) {
    const [expected, got] = [`recordings of ${SPEAKERS} speakers`, speakers.join(", ") || "none"];
    throw new FormatError({ op: place, what: "not the whole data set", expected, got });
  }
  const order = [...takes].sort(
    (a, b) => a.take - b.take || a.label - b.label || speakers.indexOf(a.speaker) - speakers.indexOf(b.speaker),
  );
  const left = info.name.split(":s")[1];
  const tests = ({ speaker, take }: Take): boolean =>
    left === undefined ? take < TEST_TAKES : speaker === speakers[Number(left)];
  const { classes, classNames } = info;
  const part = async (name: "train" | "test", own: readonly Take[]) => {
    const digits = new Set(own.map(({ label }) => label));
    if (digits.size !== classes) {
      const [expected, got] = [`${classes} digits to ${name}`, [...digits].sort().join(", ") || "none"];
      throw new FormatError({ op: place, what: "not the whole data set", expected, got });
    }
    return heard(
      { name: `${info.name}/${name}`, classes, classNames },
      own.slice(0, limits[name]),
      info.sound as FrontEnd,
    );
  };
  return {
    train: await part(
      "train",
      order.filter((take) => !tests(take)),
    ),
    test: await part("test", order.filter(tests)),
  };
}
