/** @file Input normalization and presets on the command line: reading, defaults, what files state, what runs keep. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { datasetInfo } from "../../src/data/registry.js";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { dataRoots } from "../../src/node/data-files.js";
import { configFrom } from "../../src/node/run/plan.js";
import type { Settings } from "../../src/run/config.js";
import { IMAGENET } from "../../src/run/images.js";
import { knownWeights } from "../../src/run/known-weights.js";
import { defaultNormalize, normalizeText, parseNormalize } from "../../src/run/normalization.js";
import { type PresetName, withPreset } from "../../src/run/presets.js";
import { settingsOf } from "../../src/run/settings.js";
import { Workbench } from "./run.js";

const CIFAR = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

describe("--normalize", () => {
  it("reads names and constants, and writes them back", () => {
    expect(parseNormalize("none")).toBeNull();
    expect(parseNormalize("cifar10")).toEqual(CIFAR);
    expect(parseNormalize("imagenet")).toEqual(IMAGENET);
    expect(parseNormalize("0.5, 0.4,0/1,2,0.25")).toEqual({ mean: [0.5, 0.4, 0], std: [1, 2, 0.25] });
    for (const text of ["none", "cifar10", "mnist", "imagenet", "0.5/0.25"]) {
      expect(normalizeText(parseNormalize(text))).toBe(text);
    }
  });
  it.each(["cifar", "", "0.5", "0.5/0", "0.5,0.5/1", "a/b", "1/2/3", "toString", "0.5,/1,1"])(
    "refuses %j, saying what it takes",
    (text) => {
      expect(() => parseNormalize(text)).toThrow(
        /--normalize: unknown normalization; expected none, digits.*MEAN\/STD/,
      );
    },
  );
  it("is by default the set's constants for colour, none for grey", () => {
    expect(defaultNormalize(datasetInfo("cifar10"))).toEqual(CIFAR);
    expect(defaultNormalize(datasetInfo("mnist"))).toBeNull();
  });
  it("knows public weights by the hash of the whole file alone", () => {
    expect(knownWeights("00f6613a03da7d03a575275efb0ec7acf2671a86bef74091b3e61149e5ee4b24")?.normalize).toEqual(
      IMAGENET,
    );
    // As its author's torch.save wrote it.
    expect(knownWeights("4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367")?.normalize).toEqual(
      IMAGENET,
    );
    expect(knownWeights("121838a9bcb81e5cc9033e292be0381f98147211f2d8e799164df17f7a8b924e")?.normalize).toEqual({
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.2023, 0.1994, 0.201],
    });
    expect(knownWeights("00f6613a")).toBeUndefined();
    expect(knownWeights("constructor")).toBeUndefined();
  });
});

const DEFAULTS: Settings = { model: "resnet20", data: "cifar10", bits: "1W4A" };
const configOf = ({ preset, ...typed }: Settings & { preset: PresetName }) =>
  configFrom(withPreset(preset, { ...DEFAULTS, ...typed }));

describe("--preset", () => {
  it("paper: the settings of the paper, exact projections, every layer quantized", async () => {
    expect(await configOf({ preset: "paper" })).toMatchObject({
      epochs: 200,
      batch: 128,
      lr: 0.1,
      momentum: 0.95,
      weightDecay: 1e-4,
      schedule: { name: "multistep", milestones: [80, 140] },
      augment: "crop-flip",
      normalize: CIFAR,
      quant: {
        method: "bcgd",
        rho: 1e-5,
        alphaRule: "three-valued",
        proxy: "clipped-relu",
        keepFloat: [],
        calibrate: "mse",
      },
    });
  });
  it("authors-code: their projections, the largest value as highest step, the classifier in float", async () => {
    const config = await configOf({ preset: "authors-code" });
    expect(config).toMatchObject({ lr: 0.1, quant: { projection: "authors", keepFloat: ["last"], calibrate: "max" } });
    const paper = await configOf({ preset: "paper" });
    expect({ ...config, quant: null }).toEqual({ ...paper, quant: null });
  });
  it("gives way to what is typed, and scales its drops with the epochs", async () => {
    const config = await configOf({ preset: "authors-code", epochs: 10, lr: 0.02, keepFloat: [], rho: 0, batch: 32 });
    expect(config).toMatchObject({ epochs: 10, lr: 0.02, batch: 32, schedule: { milestones: [4, 7] } });
    expect(config.quant).toMatchObject({ rho: 0, keepFloat: [], projection: "authors" });
  });
  it("leaves out what method, optimizer, bits and data do not take", async () => {
    expect((await configOf({ preset: "paper", method: "bc" })).quant).toMatchObject({ method: "bc", rho: 0 });
    expect((await configOf({ preset: "paper", method: "ptq", init: weights() })).epochs).toBe(0);
    expect(await configOf({ preset: "paper", optimizer: "adam" })).toMatchObject({ momentum: 0, lr: 0.0002 });
    expect(await configOf({ preset: "paper", bits: "float" })).toMatchObject({ quant: null, lr: 0.1 });
    expect((await configOf({ preset: "paper", data: "mnist", model: "lenet5" })).augment).toBe("none");
  });
  it("is the same as typing its options, also when a run is resumed", async () => {
    const config = await configOf({ preset: "authors-code", epochs: 20 });
    expect(await configFrom(settingsOf(config))).toEqual(config);
  });
});

interface Summary {
  top1: number;
  packed: { top1: number };
}
interface Answer {
  top1: number;
  normalize?: string;
}
let bench: Workbench;
const weights = (): string => {
  const file = bench.file("weights.safetensors");
  writeFileSync(file, writeSafetensors([{ name: "w", shape: [1], data: Float32Array.of(1) }]));
  return file;
};
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench?.close());

describe("images of other channels", () => {
  it("are refused by the option or the file before anything is made", async () => {
    const state = [{ name: "w", shape: [1], data: Float32Array.of(1) }];
    writeFileSync(bench.file("colour.safetensors"), writeSafetensors(state, { normalize: "imagenet" }));
    const grey = "normalizes images of other channels; expected one constant, for images of digits, got 3 (imagenet)";
    const small = ["train", "--model", "resnet20", "--epochs", "1", "--out", "runs/none"];
    for (const [message, ...args] of [
      [`--normalize: ${grey}`, ...small, "--normalize", "imagenet"],
      [`colour.safetensors: ${grey}`, ...small, "--init", "colour.safetensors"],
      [`colour.safetensors: ${grey}`, ...small, "--teacher", "colour.safetensors"],
      [
        `--teacher-normalize: ${grey}`,
        ...[...small, "--teacher", "colour.safetensors", "--teacher-normalize", "imagenet"],
      ],
      [
        "--normalize: normalizes images of other channels; expected 1 or 3 constants, for images of cifar10, got 2",
        ...[...small, "--data", "cifar10", "--normalize", "0.1,0.2/1,1"],
      ],
      [
        "colour.safetensors: normalizes images of other channels",
        "summary",
        "colour.safetensors",
        "--model",
        "resnet20",
      ],
      [
        "colour.safetensors: normalizes images of other channels; expected one constant, for images of 28×28×1, got 3",
        ...["eval", "colour.safetensors", "--model", "resnet20", "--data", "digits"],
      ],
    ]) {
      const { code, stdout, stderr } = await bench.run(...args);
      expect({ code, stdout }, args.join(" ")).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(`coarsegrad: ${message}`);
      expect(existsSync(bench.file("runs", "none"))).toBe(false);
    }
  });
});

describe("runs", () => {
  const SMALL = ["--model", "mlp", "--limit", "400", "--test-limit", "100", "--epochs", "1"];

  it("keep their normalization: eval, pack, verify and --init use the same", async () => {
    const float = await bench.json<Summary>("train", ...SMALL, "--normalize", "0.1/0.25", "--out", "runs/float");
    const config = JSON.parse(readFileSync(bench.file("runs", "float", "config.json"), "utf8"));
    expect(config.normalize).toEqual({ mean: [0.1], std: [0.25] });
    expect((await bench.json<Answer>("eval", "runs/float", "--limit", "100")).top1).toBe(float.top1);
    const quantized = await bench.json<Summary>(
      ...["train", ...SMALL, "--bits", "1W4A", "--init", "runs/float", "--out", "runs/1w4a"],
    );
    const own = JSON.parse(readFileSync(bench.file("runs", "1w4a", "config.json"), "utf8"));
    expect(own.normalize).toEqual(config.normalize);
    expect(quantized.packed.top1).toBe(quantized.top1);
    expect(await bench.json("verify", "runs/1w4a", "--limit", "50")).toMatchObject({ identical: true });
    // A normalized 1-bit first layer: it differs from one that sees pixels as they are.
    await bench.json(
      "train",
      ...SMALL,
      "--bits",
      "1W4A",
      "--init",
      "runs/float",
      "--normalize",
      "none",
      "--out",
      "runs/raw",
    );
    const digest = (name: string) =>
      JSON.parse(readFileSync(bench.file("runs", name, "summary.json"), "utf8")).weightsSha256;
    expect(digest("raw")).not.toBe(digest("1w4a"));
  });
  it("evaluate plain weights as told, as their metadata says, or as a fresh network would", async () => {
    const { tensors } = readSafetensors(
      new Uint8Array(readFileSync(bench.file("runs", "float", "checkpoint.safetensors"))),
    );
    const entries = [...tensors].flatMap(([name, { shape, data }]) =>
      name.startsWith("model.") ? [{ name: name.slice(6), shape, data: data as Float32Array }] : [],
    );
    writeFileSync(bench.file("plain.safetensors"), writeSafetensors(entries));
    writeFileSync(bench.file("stated.safetensors"), writeSafetensors(entries, { normalize: "0.1/0.25" }));
    const evaluated = (file: string, ...args: string[]) =>
      bench.json<Answer>("eval", file, "--model", "mlp", "--data", "digits", "--limit", "100", ...args);
    const right = (await bench.json<Answer>("eval", "runs/float", "--limit", "100")).top1;
    expect(await evaluated("stated.safetensors")).toMatchObject({ top1: right, normalize: "0.1/0.25" });
    expect(await evaluated("plain.safetensors", "--normalize", "0.1/0.25")).toMatchObject({ top1: right });
    expect(await evaluated("plain.safetensors")).toMatchObject({ normalize: "none" });
    expect((await evaluated("plain.safetensors", "--normalize", "5/0.01")).top1).toBeLessThan(right);
    const refused = await bench.run("eval", "runs/float", "--normalize", "none");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("it knows its own normalization")]);
  });
  it("start from a quantized run: its latent weights, and its steps at equal widths", async () => {
    const from = (bits: string, out: string) =>
      bench.json<Summary>("train", ...SMALL, "--bits", bits, "--init", "runs/1w4a", "--epochs", "0", "--out", out);
    await from("2W4A", "runs/same");
    await from("1W2A", "runs/other");
    const state = (name: string) =>
      readSafetensors(new Uint8Array(readFileSync(bench.file("runs", name, "checkpoint.safetensors")))).tensors;
    const value = (name: string, key: string) => Array.from(state(name).get(`model.${key}`)?.data as Float32Array);
    for (const name of ["same", "other"]) expect(value(name, "fc.0.weight")).toEqual(value("1w4a", "fc.0.weight"));
    expect(value("same", "act.0.alpha")).toEqual(value("1w4a", "act.0.alpha"));
    expect(value("other", "act.0.alpha")[0]).toBeGreaterThan(2 * value("same", "act.0.alpha")[0]);
  });
});

const checkpoint = dataRoots()
  .map((root) => join(root, "pretrained/resnet20-cifar10.safetensors"))
  .find((file) => existsSync(file));
describe("the public ResNet-20 weights", () => {
  it.skipIf(checkpoint === undefined)(
    "are recognised and evaluated with the constants that they were trained with (skipped where the data folder does not have them)",
    async () => {
      const answer = await bench.json<Answer>(
        ...["eval", checkpoint as string, "--model", "resnet20", "--data", "cifar10", "--limit", "500"],
        ...["--data-dir", join(checkpoint as string, "../../cifar-10")],
      );
      expect(answer).toMatchObject({ top1: 91, normalize: "imagenet" });
    },
  );
});
