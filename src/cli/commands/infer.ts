/**
 * @file `coarsegrad infer`: image or sound files, folders of them, images of a data set, or a stream of sound through a
 * packed model.
 */

import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { largestAt } from "../../codes/ranking.js";
import { ArgumentError, DataError } from "../../core/errors.js";
import { table } from "../../core/table.js";
import { imageSize } from "../../data/dataset.js";
import { createSession } from "../../infer/create-session.js";
import type { Session } from "../../infer/session.js";
import { SOUND_RATES } from "../../io/wav.js";
import { exists, isFolder, readFileBytes } from "../../node/files.js";
import { decodeImage, fitImage, IMAGE_ENDINGS, looksInverted } from "../../node/images/picture.js";
import { openModel } from "../../node/models.js";
import { RUN_FILES } from "../../node/run/folder.js";
import { checkFits } from "../../run/images.js";
import { whole } from "../../run/kinds.js";
import { softmax } from "../../run/packed.js";
import { KIND_NAMES } from "../../run/source.js";
import { UsageError } from "../../run/usage-error.js";
import { command, onRun } from "../options/command.js";
import { option } from "../options/option.js";
import { type TestImageOptions, testImageOptions, testImages } from "../options/test-images.js";
import { checkUsed, type Use } from "../options/used.js";
import { soundInputs, wordsOf } from "../sound/inputs.js";
import { percent } from "../ui/numbers.js";
import type { CommonOptions, Terminal } from "../ui/terminal.js";

interface InferOptions extends CommonOptions, TestImageOptions {
  index?: number;
  invert?: boolean;
  top: number;
  rate?: number;
}

/** One image on its way. */
interface Input {
  readonly name: string;
  readonly pixels: Uint8Array;
  /** The right answer, where it is known. */
  readonly label?: number;
}

/** A class and its share of the softmax, in [0, 1]. */
interface Guess {
  label: number;
  class: string;
  probability: number;
}

/** The likeliest class of an image, and others with `--top`. */
interface Result extends Guess {
  image: string;
  /** The likeliest classes, falling, as many as --top says; not of one alone. */
  top?: Guess[];
  milliseconds: number;
  /** The data set's own label, with --data. */
  expected?: number;
  /** The name of that class. */
  expectedClass?: string;
}

/** The command. */
export function inferCommand(): Command {
  const made = command({
    name: "infer",
    summary: "classify image or sound files by a packed model",
    description: `Classifies image files (${IMAGE_ENDINGS.join(", ")}), all such files of a folder, or images of a data set. Photographs are turned upright as their Exif data say, as browsers show them. Tells class names and softmax shares. Images are brought to the model's size and channels. A model that hears takes WAV files, or with - raw sound from standard input (16 bits, little-endian, one channel), whose words it tells as they come.`,
    brief: {
      "--data": "data set, imagefolder:DIR or audiofolder:DIR, instead of files",
      "--max-pixels": "pictures of more pixels are refused",
      "--rate": "samples a second of sound from standard input",
      "--invert": "for dark ink on white, when trained on light on black",
    },
    args: [
      ["<model>", "packed model (.cgm), or the folder of a run that holds one"],
      ["[file...]", "image or WAV files, or folders; - for raw sound on stdin"],
    ],
    examples: [
      "coarsegrad infer runs/first/model.cgm seven.png",
      "coarsegrad infer runs/first scans/ --invert --top 3",
      "coarsegrad infer runs/first --data mnist --index 5 --json",
      "coarsegrad infer runs/words seven.wav",
    ],
  });
  testImageOptions(made, "instead of image files");
  option(made, "--index <n>", "which image of the data set, from 0", whole({ min: 0 }));
  option(made, "--top <k>", "tell the k likeliest classes", whole({ min: 1 }), 1);
  const [least, most] = SOUND_RATES;
  const rate = "samples a second of the sound from standard input (default: as the model hears)";
  option(made, "--rate <n>", rate, whole({ min: least, max: most }));
  made.option("--invert", "for dark ink on white, when the model was trained on light strokes on black");
  return onRun<InferOptions>(made, async (options, [file, ...images], terminal) => {
    checkUsed(made, usesOf(options, images));
    const source = await openModel(await packedFile(file));
    if (source.kind !== "packed") {
      throw new ArgumentError({
        op: file,
        what: "not a packed model",
        expected: "a .cgm file",
        got: KIND_NAMES[source.kind],
        hint: "pack it first: coarsegrad pack",
      });
    }
    using session = createSession(source.bytes, { maxBatch: 1, file: source.path });
    if (images[0] === "-") return await listen(session, source.path, options, images, terminal);
    const inputs = await inputsFor(session, source.path, options, images, terminal);
    // The first run settles what is compiled; timing it would time the compiler.
    if (inputs.length > 0) session.run(inputs[0].pixels);
    const results = inputs.map((input) => classify(session, input, options.top));
    terminal.result(results.length === 1 ? results[0] : results, () => resultTable(results));
  });
}

/** A run's folder stands for its packed model, if it has one. */
async function packedFile(given: string): Promise<string> {
  const own = path.join(given, RUN_FILES.model);
  return (await isFolder(given)) && (await exists(own)) ? own : given;
}

/** Where options have an effect: with images of a data set, with files, or with sound from standard input. */
function usesOf({ data, index }: InferOptions, files: readonly string[]): Readonly<Record<string, Use>> {
  const [set, heard] = [data !== undefined, files[0] === "-"];
  return {
    dataDir: { used: set, expected: "--data NAME" },
    split: { used: set, expected: "--data NAME" },
    index: { used: set, expected: "--data NAME" },
    limit: { used: index === undefined && !heard, expected: "files, or --data without --index" },
    invert: { used: !set && !heard, expected: "image files" },
    rate: { used: heard, expected: "- for the files" },
    top: { used: !heard, expected: "files, or --data" },
  };
}

/** Words of the sound on standard input, as they come. */
async function listen(
  session: Session,
  file: string,
  { rate, data }: InferOptions,
  images: readonly string[],
  terminal: Terminal,
): Promise<void> {
  if (images.length > 1 || data !== undefined) {
    const got = images[1] ?? "--data";
    throw new UsageError({ op: "infer", what: "- and others", expected: "- alone", got });
  }
  if (session.plan.sound === undefined) {
    throw new ArgumentError({ op: file, what: "the model does not hear", expected: "one that was trained on sound" });
  }
  for await (const heard of wordsOf(session, process.stdin, rate)) {
    terminal.line(heard, () => `${heard.time.toFixed(2)} s  ${heard.word}  ${percent(100 * heard.probability)}`);
  }
}

async function inputsFor(
  session: Session,
  model: string,
  options: InferOptions,
  images: readonly string[],
  terminal: Terminal,
): Promise<Input[]> {
  if (options.data !== undefined) {
    if (images.length > 0) {
      throw new UsageError({ op: "infer", what: "both files and --data", expected: "one of them", got: images[0] });
    }
    return fromData(session, options.data, options);
  }
  if (images.length === 0) {
    throw new UsageError({
      op: "infer",
      what: "nothing to classify",
      expected: "image files, a folder, or --data NAME",
      got: "neither",
    });
  }
  const { sound } = session.plan;
  if (sound !== undefined) return soundInputs(sound, model, images, options.limit);
  const shape = imageShape(session);
  const files = (await Promise.all(images.map(imageFiles))).flat().slice(0, options.limit);
  const inputs: Input[] = [];
  // One by one: a folder of photographs must not be in memory at once.
  for (const name of files) {
    const image = decodeImage(name, await readFileBytes(name), {
      maxPixels: options.maxPixels,
      upright: true,
    });
    if (options.invert !== true && shape[2] === 1 && looksInverted(image)) {
      terminal.note(`${name}: dark on white? --invert makes it light on black, as the digits of the data sets are`);
    }
    inputs.push({ name, pixels: fitImage(image, shape, options.invert) });
  }
  return inputs;
}

async function fromData(session: Session, name: string, options: InferOptions): Promise<Input[]> {
  const limit = options.index === undefined ? (options.limit ?? 10) : options.index + 1;
  const data = await testImages(name, { ...options, limit, sound: session.plan.sound }, session.inputShape[0]);
  checkFits("infer", data, session.inputShape, session.outputShape[0]);
  if (options.index !== undefined && options.index >= data.count) {
    throw new UsageError({
      op: "--index",
      what: "no such image",
      expected: `0 to ${data.count - 1}`,
      got: `${options.index}`,
    });
  }
  const size = imageSize(data);
  const wanted = options.index === undefined ? [...Array(data.count).keys()] : [options.index];
  return wanted.map((n) => ({
    name: `${data.name}[${n}]`,
    pixels: data.images.slice(n * size, (n + 1) * size),
    label: data.labels[n],
  }));
}

function imageShape(session: Session): [number, number, number] {
  const { inputShape } = session;
  if (inputShape.length === 3) return [inputShape[0], inputShape[1], inputShape[2]];
  throw new ArgumentError({
    op: "infer",
    what: "the model does not take images",
    expected: "input H×W×C",
    got: inputShape.join("×"),
  });
}

async function imageFiles(at: string): Promise<string[]> {
  if (!(await isFolder(at))) return [at];
  const entries = await readdir(at, { withFileTypes: true });
  const names = entries
    .map((entry) => entry.name)
    .filter((name) => !name.startsWith("."))
    .filter((name) => (IMAGE_ENDINGS as readonly string[]).includes(path.extname(name).toLowerCase()));
  if (names.length === 0) {
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(at, entry.name));
    throw new DataError({
      op: at,
      what: "no images in this folder",
      expected: IMAGE_ENDINGS.join(", "),
      got: "none",
      ...(folders.length > 0 && { hint: `folders in it have to be named: ${folders.slice(0, 3).join(" ")}` }),
    });
  }
  return names.sort().map((name) => path.join(at, name));
}

function classify(session: Session, { name, pixels, label }: Input, top: number): Result {
  const started = performance.now();
  const logits = session.run(pixels);
  const milliseconds = performance.now() - started;
  const probabilities = softmax(logits);
  const className = (n: number): string => session.classes?.[n] ?? `${n}`;
  const guess = (n: number): Guess => ({ label: n, class: className(n), probability: probabilities[n] });
  const result: Result = {
    image: name,
    ...guess(largestAt(logits)),
    ...(top > 1 && { top: likeliest(logits, top).map(guess) }),
    milliseconds: Number(milliseconds.toFixed(3)),
  };
  return label === undefined ? result : { ...result, expected: label, expectedClass: className(label) };
}

/** The classes of the largest logits; the first of equal ones first. */
function likeliest(logits: Float32Array, top: number): number[] {
  return [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b).slice(0, top);
}

function resultTable(results: readonly Result[]): string {
  const known = results.some((result) => result.expected !== undefined);
  const columns = [
    { head: "image" },
    ...Array.from({ length: results[0]?.top?.length ?? 1 }, (_, k) => [
      { head: k === 0 ? "class" : `${k + 1}.` },
      { head: "share", right: true },
    ]).flat(),
    { head: "ms", right: true },
    ...(known ? [{ head: "right?" }] : []),
  ];
  return table(
    columns,
    results.map((result) => [
      result.image,
      ...(result.top ? [] : [result.class, percent(100 * result.probability)]),
      ...(result.top ?? []).flatMap((guess) => [guess.class, percent(100 * guess.probability)]),
      result.milliseconds.toFixed(2),
      ...(known ? [result.expected === result.label ? "yes" : `no, ${result.expectedClass}`] : []),
    ]),
  );
}
