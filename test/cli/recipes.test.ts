/** @file Recipes on the command line: a teacher, and stages of fewer and fewer bits. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../../src/io/safetensors.js";
import { readRunMessage, writeRunMessage } from "../../src/node/world/run-message.js";
import { readModel } from "../../src/run/index.js";
import { loadCheckpoint } from "../../src/train/checkpoint.js";
import { Workbench } from "./run.js";

interface Summary {
  run: string;
  weightsSha256: string;
  bits: string;
  stages?: { run: string; bits: string; top1: number }[];
}

const SMALL = "--model mlp --limit 128 --test-limit 64 --batch 64 --threads 1".split(" ");
let bench: Workbench;
const train = (...args: string[]) => bench.json<Summary>("train", ...args);
/** What a command that has to fail says. */
const fails = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await bench.run(...args);
  expect(code).not.toBe(0);
  return stderr;
};
const json = (...parts: string[]) => JSON.parse(readFileSync(bench.file(...parts), "utf8"));
const lastRow = (run: string) =>
  JSON.parse(readFileSync(bench.file(run, "metrics.jsonl"), "utf8").trim().split("\n").at(-1) as string);

beforeAll(async () => {
  bench = await Workbench.open();
  await train(...SMALL, "--epochs", "1", "--seed", "5", "--out", "teacher");
});
afterAll(() => bench?.close());

describe("train --teacher", () => {
  it("learns from a run or its packed file, with the same bits for any number of ranks", async () => {
    const own = [...SMALL, "--epochs", "2", "--bits", "1W4A", "--init", "teacher"];
    const taught = ["--teacher", "teacher", "--temperature", "2", "--teacher-weight", "0.5"];
    const [plain, one, two] = [
      await train(...own, "--out", "plain"),
      await train(...own, ...taught, "--ranks", "1", "--out", "one"),
      await bench.childJson<Summary>("train", ...own, ...taught, "--ranks", "2", "--out", "two"),
    ];
    expect(two.weightsSha256).toBe(one.weightsSha256);
    expect(one.weightsSha256).not.toBe(plain.weightsSha256);
    const { teacher, temperature, teacherWeight } = json("one", "config.json");
    expect(teacher).toEqual({
      file: "teacher/checkpoint.safetensors",
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect([temperature, teacherWeight]).toEqual([2, 0.5]);
    const { loss, lossParts } = lastRow("one");
    expect(0.5 * lossParts.labels + 0.5 * lossParts.teacher).toBeCloseTo(loss, 5);
    expect(json("plain", "config.json")).not.toHaveProperty("teacher");
    expect(lastRow("plain")).not.toHaveProperty("lossParts");
    const packed = await train(...own, "--teacher", "teacher/model.cgm", "--out", "packed");
    expect(json("packed", "config.json").teacher.file).toBe("teacher/model.cgm");
    expect(packed.weightsSha256).not.toBe(one.weightsSha256);
  });

  it("--teacher-features compares layers too, and is part of the run", async () => {
    const conv = "--model lenet5 --limit 64 --test-limit 32 --batch 32 --threads 1".split(" ");
    await train(...conv, "--epochs", "1", "--seed", "5", "--out", "conv");
    const own = [...conv, "--bits", "1W4A", "--init", "conv", "--teacher", "conv"];
    const features = ["--teacher-features", "pool1,pool2", "--feature-weight", "5"];
    const whole = await train(...own, "--schedule", "constant", ...features, "--epochs", "2", "--out", "features");
    const { teacherFeatures, featureWeight } = json("features", "config.json");
    expect([teacherFeatures, featureWeight]).toEqual([["pool1", "pool2"], 5]);
    const { loss, lossParts } = lastRow("features");
    expect(0.1 * lossParts.labels + 0.9 * lossParts.teacher + 5 * lossParts.features).toBeCloseTo(loss, 5);
    await train(...own, "--schedule", "constant", ...features, "--epochs", "1", "--out", "features-part");
    const rest = await train("--resume", "features-part", "--epochs", "2");
    expect(rest.weightsSha256).toBe(whole.weightsSha256);
    expect(await fails("train", ...own, "--feature-weight", "5")).toMatch(
      /--feature-weight.*--teacher-features LAYERS/,
    );
    expect(await fails("train", ...SMALL, "--teacher-features", "pool1")).toMatch(/--teacher-features.*--teacher FILE/);
    expect(await fails("train", ...own, "--teacher-features", "pool9", "--out", "never")).toMatch(
      /no such layer.*pool9/,
    );
    const packed = ["--teacher", "conv/model.cgm", "--out", "never"];
    expect(await fails("train", ...own, ...packed, "--teacher-features", "pool1")).toMatch(
      /a teacher that is not packed/,
    );
  });
  it("goes on with the same teacher alone, wherever it lies", async () => {
    const own = [...SMALL, "--schedule", "constant", "--bits", "1W4A", "--init", "teacher"];
    cpSync(bench.file("teacher", "model.cgm"), bench.file("t.cgm"));
    const whole = await train(...own, "--teacher", "t.cgm", "--epochs", "2", "--out", "whole");
    await train(...own, "--teacher", "t.cgm", "--epochs", "1", "--out", "part");
    const other = await fails("train", "--resume", "part", "--epochs", "2", "--temperature", "3");
    expect(other).toMatch(/temperature/);
    const bytes = readFileSync(bench.file("t.cgm"));
    writeFileSync(bench.file("t.cgm"), readFileSync(bench.file("one", "model.cgm")));
    expect(await fails("train", "--resume", "part", "--epochs", "2")).toMatch(/teacher/);
    writeFileSync(bench.file("elsewhere.cgm"), bytes);
    const rest = await train("--resume", "part", "--epochs", "2", "--teacher", "elsewhere.cgm");
    expect(rest.weightsSha256).toBe(whole.weightsSha256);
  });

  it("lets plain weights see images as they are told, and again when it is resumed", async () => {
    const { model } = loadCheckpoint(new Uint8Array(readFileSync(bench.file("teacher", "checkpoint.safetensors"))));
    writeFileSync(bench.file("plain.safetensors"), writeSafetensors([...model].map(([name, t]) => ({ name, ...t }))));
    const own = [...SMALL, "--schedule", "constant", "--bits", "1W4A", "--init", "teacher", "--teacher"];
    const how = ["plain.safetensors", "--teacher-normalize", "0.5/0.25"];
    const whole = await train(...own, ...how, "--epochs", "2", "--out", "told");
    expect(json("told", "config.json").teacher.normalize).toEqual({ mean: [0.5], std: [0.25] });
    await train(...own, ...how, "--epochs", "1", "--out", "told-part");
    const rest = await train("--resume", "told-part", "--epochs", "2");
    expect(rest.weightsSha256).toBe(whole.weightsSha256);
    const usual = await train(...own, "plain.safetensors", "--epochs", "2", "--out", "untold");
    expect(json("untold", "config.json").teacher.normalize).toBeNull();
    expect(usual.weightsSha256).not.toBe(whole.weightsSha256);
  });

  it("refuses a teacher that is missing, of other images or classes, or without a network's name", async () => {
    const own = [...SMALL, "--epochs", "1", "--out", "never"];
    expect(await fails("train", ...own, "--teacher", "nowhere.safetensors")).toMatch(/nowhere/);
    expect(await fails("train", ...own, "--temperature", "2")).toMatch(/--temperature.*--teacher FILE/);
    expect(await fails("train", ...own, "--teacher", "teacher", "--teacher-weight", "2")).toMatch(/at most 1/);
    expect(await fails("train", ...own, "--teacher", "teacher", "--teacher-model", "mlp")).toMatch(
      /--teacher-model.*says which network it is/,
    );
    expect(await fails("train", ...own, "--teacher", "teacher", "--teacher-normalize", "mnist")).toMatch(
      /--teacher-normalize: teacher says how its images are normalized; expected no --teacher-normalize, got mnist/,
    );
    expect(await fails("train", ...own, "--teacher-normalize", "mnist")).toMatch(/--teacher-normalize.*--teacher FILE/);
    const untrained = ["--method", "ptq", "--bits", "1W4A", "--init", "teacher", "--out", "never"];
    expect(await fails("train", ...SMALL, ...untrained, "--teacher", "teacher")).toMatch(
      /--teacher.*a --method that trains/,
    );
  });

  it("is told to ranks that are processes", () => {
    const bytes = new Uint8Array(readFileSync(bench.file("teacher", "model.cgm")));
    const config = json("one", "config.json");
    delete config.command;
    delete config.configSha256;
    const told = readRunMessage(writeRunMessage({ config, teacher: { path: "t.cgm", bytes } }));
    expect(told.teacher).toEqual(readModel(bytes, "t.cgm"));
    expect(told.config).toEqual(config);
  });
});

describe("train --stages", () => {
  const STAGES = "32W4A:1,4W4A:1,1W4A:2";
  it("trains each from the one before, and goes on where it was", async () => {
    const whole = await train(...SMALL, "--init", "teacher", "--stages", STAGES, "--out", "s");
    expect(whole.stages?.map(({ run, bits }) => [run, bits])).toEqual([
      ["s/1-32w4a", "32W4A"],
      ["s/2-4w4a", "4W4A"],
      ["s/3-1w4a", "1W4A"],
    ]);
    expect(whole.run).toBe("s/3-1w4a");
    expect(json("s", "1-32w4a", "config.json").init.file).toBe("teacher/checkpoint.safetensors");
    expect(json("s", "2-4w4a", "config.json").init.file).toBe("s/1-32w4a/checkpoint.safetensors");
    expect(json("s", "3-1w4a", "config.json")).toMatchObject({ bits: "1W4A", epochs: 2 });
    // The same by hand.
    const by = await train(...SMALL, "--init", "s/2-4w4a", "--bits", "1W4A", "--epochs", "2", "--out", "hand");
    expect(by.weightsSha256).toBe(whole.weightsSha256);
    const again = [...SMALL, "--init", "teacher", "--stages", STAGES, "--out", "s"];
    expect(await fails("train", ...again)).toMatch(/--stages.*--resume or --force/);
    rmSync(bench.file("s", "3-1w4a"), { recursive: true });
    expect((await train(...again, "--resume")).weightsSha256).toBe(whole.weightsSha256);
    const longer = again.map((word) => (word === STAGES ? "32W4A:1,4W4A:3,1W4A:2" : word));
    expect(await fails("train", ...longer, "--resume")).toMatch(/begun with other epochs; expected 1, got 3/);
  });

  it.each([
    ["1W4A:2", /a single stage/],
    ["1W4A:2,2W4A:2", /stages with more bits; expected fewer than 1W4A, got 2W4A/],
    ["4W4A,2W4A", /not a stage/],
    ["4W4A:0,2W4A:1", /--stages/],
  ])("refuses %s", async (stages, words) => {
    expect(await fails("train", ...SMALL, "--stages", stages, "--out", "none")).toMatch(words);
  });

  it("refuses --bits beside it, and a run without a folder", async () => {
    const own = [...SMALL, "--stages", STAGES];
    expect(await fails("train", ...own, "--bits", "1W4A", "--out", "none")).toMatch(/no --bits/);
    expect(await fails("train", ...own)).toMatch(/--out DIR/);
  });
});
