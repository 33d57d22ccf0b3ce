/** @file Recordings that are given: WAV files, heard as the library hears them, and put into the store. Runs in workers. */
import { datasetInfo } from "coarsegrad/data";
import { LogMel, readWav, resample, SPEECH_8K, SPEECH_16K } from "coarsegrad/sound";
import { write } from "../shell/store.js";
import type { GivenFile } from "./images.js";
import type { ImagesNote, StoredImages } from "./record.js";

/** Whether a file is a recording. */
export const isSound = ({ name }: GivenFile): boolean => /\.wav$/i.test(name);

/** A recording and what it is of. */
interface Take {
  readonly file: GivenFile;
  readonly label: number;
  readonly test: boolean;
}

interface Takes {
  readonly takes: readonly Take[];
  readonly classNames: readonly string[];
  readonly known: "fsdd" | null;
}

const SPEAKERS = 6;
const TEST_TAKES = 5;

/** The whole Free Spoken Digit Dataset in the library's order, or null for other recordings. */
function spokenDigits(files: readonly GivenFile[]): Takes | null {
  const named = files.map((file) => {
    const [, digit, speaker, take] = /(?:^|\/)(\d)_([a-z0-9]+)_(\d+)\.wav$/.exec(file.name) ?? [];
    return { file, label: Number(digit), speaker, take: Number(take), test: Number(take) < TEST_TAKES };
  });
  if (named.some(({ speaker }) => speaker === undefined)) return null;
  const speakers = [...new Set(named.map(({ speaker }) => speaker))].sort();
  const digitsOf = (test: boolean): number =>
    new Set(named.filter((take) => take.test === test).map(({ label }) => label)).size;
  if (speakers.length !== SPEAKERS || digitsOf(true) !== 10 || digitsOf(false) !== 10) return null;
  named.sort(
    (a, b) => a.take - b.take || a.label - b.label || speakers.indexOf(a.speaker) - speakers.indexOf(b.speaker),
  );
  return { takes: named, classNames: datasetInfo("fsdd").classNames, known: "fsdd" };
}

/** A folder of an archive is a class, or what stands before the first _ or - of a file's name. */
function byName(files: readonly GivenFile[]): Takes {
  const classOf = ({ name }: GivenFile): string => {
    const [file, folder] = name.split("/").reverse();
    return folder ?? file.replace(/\.wav$/i, "").split(/[_-]/)[0];
  };
  const classNames = [...new Set(files.map(classOf))].sort();
  if (classNames.length < 2) {
    throw new Error(`${files[0].name}: expected recordings of two classes or more, such as yes_1.wav and no_1.wav`);
  }
  const seen = new Map<string, number>();
  const takes = files.map((file) => {
    const own = classOf(file);
    const n = seen.get(own) ?? 0;
    seen.set(own, n + 1);
    return { file, label: classNames.indexOf(own), test: n % 6 === 1 };
  });
  const few = classNames.find((name) => seen.get(name) === 1);
  if (few !== undefined) throw new Error(`There is one recording of ${few}: expected two or more, one to test on.`);
  return { takes, classNames, known: null };
}

/** Hears recordings and stores their pictures. @throws FormatError for what is no WAV file */
export async function storeSounds(files: readonly GivenFile[]): Promise<ImagesNote> {
  const { takes, classNames, known } = spokenDigits(files) ?? byName(files);
  const front = known === null ? SPEECH_16K : SPEECH_8K;
  const ear = new LogMel(front);
  const pictures = takes.map(({ file: { name, bytes } }) => {
    const { samples, rate } = readWav(bytes, name);
    if (samples.length === 0) throw new Error(`${name}: there is no sound in it`);
    return ear.clip(resample(samples, rate, front.rate));
  });
  const part = (test: boolean): { pixels: Uint8Array; labels: Uint8Array } => {
    const own = takes.flatMap((take, n) => (take.test === test ? [n] : []));
    const pixels = new Uint8Array(own.length * front.frames * front.bands);
    own.forEach((n, i) => {
      pixels.set(pictures[n], i * pictures[n].length);
    });
    return { pixels, labels: Uint8Array.from(own, (n) => takes[n].label) };
  };
  const [train, test] = [part(false), part(true)];
  const note: ImagesNote = {
    key: `sounds-${crypto.randomUUID?.() ?? Date.now()}`,
    title: known === null ? "Your recordings" : datasetInfo(known).title,
    known,
    shape: [front.frames, front.bands, 1],
    classNames,
    train: train.labels.length,
    test: test.labels.length,
    ...(known === null && { sound: front }),
  };
  const stored: StoredImages = {
    ...note,
    pixels: { train: train.pixels, test: test.pixels },
    labels: { train: train.labels, test: test.labels },
  };
  await write([["images", note.key, stored]]);
  return note;
}
