/** @file Sound on disk: the spoken digits in their layouts and splits, and folders of sound, whole and broken. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArgumentError, DataError, FormatError } from "../../src/core/errors.js";
import { labelHistogram } from "../../src/data/index.js";
import { writeWav } from "../../src/io/index.js";
import { findDataDir, loadDataset } from "../../src/node/data-files.js";
import { downloadDataset } from "../../src/node/download.js";
import { imagesInfo } from "../../src/node/images/info.js";
import { loadAudioFolder, openAudioFolder } from "../../src/node/sound/folder.js";
import { LogMel, resample, SPEECH_8K, SPEECH_16K } from "../../src/sound/index.js";
import { tarOf } from "../io/tar-of.js";
import { tone } from "../sound/fixture.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "coarsegrad-sound-"));
});
afterEach(() => rm(root, { recursive: true }));

type Files = Record<string, Uint8Array>;
async function put(folder: string, files: Files): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}
const wav = (hertz: number, rate = 8000) => writeWav(tone(rate, hertz, 0.05), rate);

const SPEAKERS = ["ada", "bob", "cyd", "dan", "eve", "fay"];
/** Seven takes of each digit by each speaker; every recording its own tone. */
const recordings = (takes = 7, speakers = SPEAKERS): Files =>
  Object.fromEntries(
    speakers.flatMap((speaker, s) =>
      Array.from({ length: 10 * takes }, (_, k) => {
        const [digit, take] = [k % 10, Math.floor(k / 10)];
        return [`recordings/${digit}_${speaker}_${take}.wav`, wav(300 + 100 * digit + 10 * s + take)];
      }),
    ),
  );
const nowhere = { env: {}, home: "/nowhere", platform: "linux" };

describe("the spoken digits", () => {
  it("are the same from an archive and from the folder of their repository", async () => {
    const files = recordings();
    await put(path.join(root, "one", "fsdd"), { "fsdd.tar.gz": new Uint8Array(gzipSync(tarOf(files))) });
    await put(path.join(root, "two", "free-spoken-digit-dataset"), {
      ...files,
      "recordings/.hidden.wav": new Uint8Array(1),
    });
    const [one, two] = await Promise.all(
      ["one", "two"].map((name) => loadDataset("fsdd", { ...nowhere, dataDir: path.join(root, name) })),
    );
    expect(two).toEqual(one);
    expect(one.train).toMatchObject({ name: "fsdd/train", count: 120, shape: [49, 20, 1], classes: 10 });
    expect(one.test).toMatchObject({ name: "fsdd/test", count: 300 });
    // By take, digit and speaker.
    expect([...one.test.labels.subarray(0, 14)]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2]);
    expect(labelHistogram(one.train)).toEqual(Array(10).fill(12));
    const size = 49 * 20;
    expect(one.test.images.subarray(7 * size, 8 * size)).toEqual(new LogMel(SPEECH_8K).clip(samplesOf(410)));
    expect(one.train.images.subarray(size, 2 * size)).toEqual(new LogMel(SPEECH_8K).clip(samplesOf(315)));
  });
  const samplesOf = (hertz: number) => tone(8000, hertz, 0.05).map((x) => Math.floor(x * 32768 + 0.5) / 32768);

  it("leave one speaker out, in the order of names", async () => {
    await put(path.join(root, "fsdd"), recordings(2));
    const { train, test } = await loadDataset("fsdd:s2", { ...nowhere, dataDir: root });
    expect(train).toMatchObject({ name: "fsdd:s2/train", count: 100 });
    expect(test).toMatchObject({ name: "fsdd:s2/test", count: 20 });
    expect(test.images.subarray(0, 980)).toEqual(new LogMel(SPEECH_8K).clip(samplesOf(320)));
    const some = await loadDataset("fsdd:s2", { ...nowhere, dataDir: root, limits: { train: 7, test: 3 } });
    expect([some.train.count, some.test.count]).toEqual([7, 3]);
    expect(some.train.images).toEqual(train.images.subarray(0, 7 * 980));
  });

  it.each<[string, (files: Files) => Files, RegExp]>([
    [
      "another name",
      (files) => ({ ...files, "recordings/x_ada_1.wav": wav(300) }),
      /not a recording of this data set.*got x_ada_1.wav/,
    ],
    [
      "no WAV file",
      (files) => ({ ...files, "recordings/1_ada_1.wav": new Uint8Array(60) }),
      /1_ada_1.wav: not a WAV file/,
    ],
    [
      "an empty sound",
      (files) => ({ ...files, "recordings/1_ada_1.wav": writeWav(new Float32Array(0), 8000) }),
      /1_ada_1.wav: no sound/,
    ],
    [
      "five speakers",
      () => recordings(7, SPEAKERS.slice(1)),
      /expected recordings of 6 speakers, got bob, cyd, dan, eve, fay/,
    ],
    ["no takes to train on", () => recordings(5), /expected 10 digits to train, got none/],
    [
      "a folder without recordings",
      () => ({ "recordings/readme.txt": new Uint8Array(1) }),
      /expected recordings of 6 speakers, got none/,
    ],
  ])("refuse %s", async (_, change, message) => {
    await put(path.join(root, "fsdd"), change(recordings()));
    const found = loadDataset("fsdd", { ...nowhere, dataDir: root });
    await expect(found).rejects.toThrow(message);
    await expect(found).rejects.toThrow(FormatError);
  });

  it("tell where they come from if they are not here, and cannot be downloaded", async () => {
    await expect(loadDataset("fsdd", { ...nowhere, dataDir: root })).rejects.toThrow(
      /data set not found; expected fsdd.tar.gz or recordings\/ in one of .*clone https:\/\/github.com/,
    );
    await expect(findDataDir("fsdd:s9", { ...nowhere, dataDir: root })).rejects.toThrow(ArgumentError);
    await expect(downloadDataset("fsdd", root)).rejects.toThrow(/nothing to download; clone https/);
  });
});

describe("folders of sound", () => {
  const words = (): Files => ({
    "no/a.wav": wav(400),
    "no/b.WAV": wav(500, 16_000),
    "no/notes.txt": new Uint8Array(3),
    "yes/a.wav": wav(600),
    "yes/c.wav": wav(700),
    "yes/._c.wav": new Uint8Array(3),
    "_background_noise_/hum.wav": wav(100),
    ".ipynb_checkpoints/x.wav": wav(100),
    "__MACOSX/x.wav": wav(100),
  });
  const lines = (...names: string[]) => new TextEncoder().encode(`${names.join("\n")}\n`);

  it("have a folder for each class; rates are brought to one", async () => {
    await put(root, words());
    const { train, test, testIsTraining } = await loadAudioFolder(root, SPEECH_16K);
    expect(testIsTraining).toBe(true);
    expect(test).toBe(train);
    expect(train).toMatchObject({ count: 4, classes: 2, classNames: ["no", "yes"], shape: [49, 32, 1] });
    expect([...train.labels]).toEqual([0, 0, 1, 1]);
    const clip = new LogMel(SPEECH_16K).clip(
      resample(
        tone(8000, 400, 0.05).map((x) => Math.floor(x * 32768 + 0.5) / 32768),
        8000,
        16_000,
      ),
    );
    expect(train.images.subarray(0, 49 * 32)).toEqual(clip);
    const some = await loadAudioFolder(root, SPEECH_16K, { train: 2, test: 2 });
    expect([...some.train.labels]).toEqual([0, 1]);
    expect(await imagesInfo(`audiofolder:${root}`)).toMatchObject({
      shape: [49, 32, 1],
      classNames: ["no", "yes"],
      sound: SPEECH_16K,
    });
  });

  it("lists say what is not trained on", async () => {
    await put(root, {
      ...words(),
      "testing_list.txt": lines("yes/c.wav", "", "no/a.wav"),
      "validation_list.txt": lines("no/b.WAV\r"),
    });
    const { train, test, testIsTraining } = await openAudioFolder(root);
    const name = path.basename(root);
    expect(testIsTraining).toBe(false);
    expect(train).toMatchObject({
      name: `${name}/train`,
      files: [path.join("yes", "a.wav")],
      labels: [1],
      classNames: ["no", "yes"],
    });
    expect(test).toMatchObject({
      name: `${name}/test`,
      files: ["no/a.wav", "yes/c.wav"].map(path.normalize),
      labels: [0, 1],
    });
  });
  it("a validation list alone is the test", async () => {
    await put(root, { ...words(), "validation_list.txt": lines("no/b.WAV") });
    const { train, test } = await openAudioFolder(root);
    expect([train.files.length, test.files.length]).toEqual([3, 1]);
  });
  it("may have parts, as image folders have", async () => {
    await put(path.join(root, "train"), words());
    await put(path.join(root, "val"), { "no/x.wav": wav(400), "yes/y.wav": wav(400) });
    const { train, test, testIsTraining } = await openAudioFolder(root);
    expect([train.files.length, test.files.length, testIsTraining]).toEqual([4, 2, false]);
  });

  it.each<[string, () => Files, RegExp]>([
    [
      "no classes",
      () => ({ "a.wav": wav(400) }),
      /no recordings; expected a folder for each class, with .wav files in it, got 0 folders/,
    ],
    [
      "an empty class",
      () => ({ ...words(), "maybe/a.mp3": wav(1) }),
      /classes without recordings: maybe; expected .wav.*but files of .mp3/,
    ],
    [
      "a list that names others",
      () => ({ ...words(), "testing_list.txt": lines("no/a.wav", "no/z.wav") }),
      /testing_list.txt: line 2 names no recording.*got "no\/z.wav"/,
    ],
    ["an empty list", () => ({ ...words(), "testing_list.txt": lines("") }), /an empty list/],
    [
      "nothing to train on",
      () => ({ "no/a.wav": wav(400), "testing_list.txt": lines("no/a.wav") }),
      /leave nothing to train on/,
    ],
  ])("refuse %s", async (_, files, message) => {
    await put(root, files());
    await expect(openAudioFolder(root)).rejects.toThrow(message);
    await expect(openAudioFolder(root)).rejects.toThrow(DataError);
  });
  it("refuse what is no sound, and links that lead nowhere", async () => {
    await put(root, { ...words(), "no/a.wav": new Uint8Array(50) });
    await expect(loadAudioFolder(root, SPEECH_8K)).rejects.toThrow(/a.wav: not a WAV file/);
    await symlink(path.join(root, "gone.wav"), path.join(root, "yes", "z.wav"));
    await expect(openAudioFolder(root)).rejects.toThrow(/a link that leads nowhere/);
    await expect(openAudioFolder(path.join(root, "none"))).rejects.toThrow(/cannot be read/);
  });
});
