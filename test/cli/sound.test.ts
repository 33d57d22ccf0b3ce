/** @file Sound on the command line: a folder of recordings is trained on, packed, verified, exported, and heard. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { rawSamples, wordsOf } from "../../src/cli/sound/inputs.js";
import { createSession } from "../../src/infer/index.js";
import { readWav, writeWav } from "../../src/io/index.js";
import { type Heard, recognizer, SPEECH_16K } from "../../src/sound/index.js";
import { tone } from "../sound/fixture.js";
import { Workbench } from "./run.js";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
  // Two words, a low and a high tone; of each one recording to test on.
  for (const [label, word] of ["high", "low"].entries()) {
    mkdirSync(bench.file("words", word), { recursive: true });
    for (let n = 0; n < 5; n++) {
      const samples = tone(16_000, (label === 0 ? 3000 : 400) + 20 * n, 0.3);
      writeFileSync(bench.file("words", word, `${n}.wav`), writeWav(samples, 16_000));
    }
  }
  writeFileSync(bench.file("words", "testing_list.txt"), "high/4.wav\nlow/4.wav\n");
});
afterAll(() => bench?.close());

const TRAIN = "train --model dscnn --data audiofolder:words --batch 4 --threads 1".split(" ");

/** A model of spoken digits, for which a tone of 1000 Hz is a four. */
const DIGITS = path.join(root, "experiments", "dscnn-fsdd-1w4a", "model.cgm");

/** What the API hears in a file; every layer of the model is quantized. */
function heard(model: string, file: string): Heard {
  // Disposed of before the next command: commands run in this process.
  using session = createSession(readFileSync(bench.file(model)));
  expect(session.plan.sound).toEqual(SPEECH_16K);
  // Codes from the input to the pool; the classifier has one bit for each weight, too.
  expect(session.plan.nodes.filter(({ op }) => op === "floatConv")).toEqual([]);
  const widths = session.plan.nodes.flatMap((node) => ("bits" in node && "out" in node ? [node.bits] : []));
  expect(widths).toEqual(Array(10).fill(1));
  const { samples, rate } = readWav(readFileSync(bench.file(file)));
  return recognizer(session).hear(samples, rate);
}

describe("a folder of recordings", () => {
  it("is heard at one level with --range, which stands in the packed model", async () => {
    const options = "--epochs 1 --lr 0.02 --augment voices --range 60 --bits 1W4A --out levelled".split(" ");
    expect(await bench.run(...TRAIN, ...options)).toMatchObject({ code: 0 });
    using session = createSession(readFileSync(bench.file("levelled", "model.cgm")));
    expect(session.plan.sound).toEqual({ ...SPEECH_16K, floor: -75, level: -15 });
    expect(await bench.json("verify", "levelled")).toMatchObject({ identical: true, images: 2 });
    const images = await bench.run(..."train --data digits --range 60 --out none".split(" "));
    expect(images).toMatchObject({ code: 2, stderr: expect.stringContaining("--data fsdd or audiofolder:DIR") });
  });

  it("is trained on, packed with its front end, verified, evaluated and exported", async () => {
    const float = await bench.run(...TRAIN, ..."--epochs 3 --lr 0.02 --augment speech --out float".split(" "));
    expect(float).toMatchObject({ code: 0, stderr: expect.anything() });
    const quantized = await bench.json<{ testImages: number }>(
      ...TRAIN,
      ..."--bits 1W4A --epochs 2 --lr 0.01 --init float --out words-1w4a".split(" "),
    );
    expect(quantized.testImages).toBe(2);
    const config = JSON.parse(readFileSync(bench.file("words-1w4a", "config.json"), "utf8"));
    expect(config.images).toEqual({ shape: [49, 32, 1], classes: 2, classNames: ["high", "low"], sound: SPEECH_16K });
    const file = path.join("words", "low", "4.wav");
    const own = heard("words-1w4a/model.cgm", file);
    expect(await bench.json("verify", "words-1w4a")).toMatchObject({ identical: true, images: 2 });
    const model = "words-1w4a/model.cgm";
    expect(await bench.json("eval", model, "--data", "audiofolder:words")).toMatchObject({ images: 2 });
    expect(await bench.run("export", "words-1w4a", "--out", "words.onnx")).toMatchObject({ code: 0 });

    // Files and folders are heard as the API hears them.
    expect(await bench.json("infer", model, file)).toMatchObject({ class: own.word, probability: own.probability });
    expect(await bench.json("infer", model, path.join("words", "low"))).toHaveLength(5);
    expect(await bench.json("infer", model, "--data", "audiofolder:words", "--index", "1")).toMatchObject({
      class: own.word,
      expected: 1,
      expectedClass: "low",
    });
    // The same recordings under each other's names: what is right here is wrong there.
    for (const [from, to] of [
      ["high", "low"],
      ["low", "high"],
    ]) {
      cpSync(bench.file("words", from), bench.file("swapped", to), { recursive: true });
    }
    cpSync(bench.file("words", "testing_list.txt"), bench.file("swapped", "testing_list.txt"));
    const told = async (folder: string) => (await bench.run("infer", model, "--data", `audiofolder:${folder}`)).stdout;
    const rows = `${await told("words")}${await told("swapped")}`;
    expect([rows.match(/ yes$/gm)?.length, rows.match(/ no, (high|low)$/gm)?.length]).toEqual([2, 2]);
  }, 120_000);

  it("is heard from standard input, as the API hears it", async () => {
    const sound = Int16Array.from(tone(8000, 1000, 2.5), (x) => Math.round(32_767 * x));
    const bytes = new Uint8Array(sound.buffer);
    const expected: object[] = [];
    {
      using session = createSession(readFileSync(DIGITS));
      for await (const word of wordsOf(
        session,
        (async function* () {
          yield bytes;
        })(),
        undefined,
      ))
        expected.push(word);
    }
    expect(expected.length).toBeGreaterThan(0);
    const { code, stdout, stderr } = await bench.fed(bytes, "infer", DIGITS, "-", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const told = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(told).toEqual(expected);
    // Less than a clip: nothing is heard.
    expect(await bench.fed(bytes.subarray(0, 100), "infer", DIGITS, "-", "--json")).toMatchObject({
      code: 0,
      stdout: "",
    });
  }, 60_000);

  it("is refused where images are meant, and images where sound is", async () => {
    const outcome = await bench.run("infer", "words-1w4a", "words-1w4a/config.json");
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining("config.json: not a WAV file") });
    expect(await bench.run("infer", "words-1w4a", ".")).toMatchObject({
      stderr: expect.stringContaining("no sound in this folder"),
    });
    expect(await bench.run(...TRAIN, "--augment", "shift")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        "--augment shift: does not go with the other options; expected time-shift, speech",
      ),
    });
    expect(await bench.run("train", "--data", "digits", "--augment", "speech")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected shift, crop-flip, cutout or none for images"),
    });
    expect(await bench.run("train", "--data", "audiofolder:words", "--model", "lenet5")).toMatchObject({
      code: expect.any(Number),
      stderr: expect.stringContaining("images are not square; expected H = W, got 49×32; dscnn takes any"),
    });
    expect(await bench.run("infer", "words-1w4a", "-", "a.wav")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("infer: - and others"),
    });
    expect(await bench.run("infer", "words-1w4a", "a.wav", "--rate", "8000")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--rate: does not go with the other options; expected - for the files"),
    });
  });
});

describe("raw sound", () => {
  async function* pieces(bytes: Uint8Array, ...ends: number[]) {
    let at = 0;
    for (const end of [...ends, bytes.length]) {
      yield bytes.subarray(at, end);
      at = end;
    }
  }
  it("is read in pieces that may end within a sample", async () => {
    const bytes = new Uint8Array(Int16Array.of(0, 1, -1, 32767, -32768).buffer);
    const found: number[] = [];
    for await (const samples of rawSamples(pieces(bytes, 1, 1, 4, 7))) found.push(...samples);
    expect(found.map((x) => x * 32768)).toEqual([0, 1, -1, 32767, -32768]);
  });
  it("gives each word once, and again after another", async () => {
    const front = { ...SPEECH_16K, frames: 4, bands: 2 };
    const session = {
      plan: { sound: front },
      inputShape: [4, 2, 1],
      outputShape: [2],
      classes: ["low", "high"],
      run: (codes: Uint8Array) => Float32Array.of(codes[2], codes[3]),
    };
    const sounds = [tone(16_000, 500, 1), new Float32Array(16_000), tone(16_000, 6000, 1), tone(16_000, 500, 1)];
    const bytes = new Uint8Array(
      Int16Array.from(sounds.flatMap((sound) => [...sound].map((x) => Math.round(32767 * x)))).buffer,
    );
    const words: [number, string][] = [];
    for await (const { time, word } of wordsOf(session, pieces(bytes, 1001, 70_000), undefined))
      words.push([time, word]);
    expect(words).toEqual([
      [0.5, "low"],
      [2.5, "high"],
      [3.5, "low"],
    ]);
  });
});
