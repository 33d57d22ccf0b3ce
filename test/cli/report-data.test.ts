/** @file What the report page is drawn from: mistakes of packed models, weights of networks, folders with parts missing. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectRuns } from "../../src/cli/report/collect.js";
import { isShown, type Picture } from "../../src/cli/report/model.js";
import { thumbnail } from "../../src/cli/report/picture.js";
import { predictionsOf } from "../../src/cli/report/predictions.js";
import { weightsOf } from "../../src/cli/report/weights.js";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { pack } from "../../src/export/index.js";
import { createSession } from "../../src/infer/create-session.js";
import { lenet5, mlp } from "../../src/models/index.js";
import { Conv2d, Linear } from "../../src/nn/index.js";
import { prepare, QuantConv2d, staircase } from "../../src/quant/index.js";
import { Workbench } from "./run.js";

const [BLUE, ORANGE] = ["42,120,214", "224,95,44"];

/** Pixels of a picture, as text. */
function colors({ url }: Picture): string[] {
  const { data } = decode(Buffer.from(url.replace("data:image/png;base64,", ""), "base64"));
  return Array.from({ length: data.length / 3 }, (_, i) => data.slice(3 * i, 3 * i + 3).join());
}

describe("mistakes", () => {
  it("are what the packed model says, the most confident first", async () => {
    const { test: data } = digits({ train: 0, test: 300 });
    using net = mlp({ sizes: [784, 16, 10], rng: new Rng(3) });
    const packed = pack(net, { inputShape: [28, 28, 1] });
    using session = createSession(packed);
    const answers = session.predict(data.images);
    const right = [...answers].filter((answer, i) => answer === data.labels[i]).length;
    const seen: number[] = [];
    const trial = { packed, file: "a.cgm", data, recorded: null, pictures: 7 };
    const found = await predictionsOf(trial, (done) => seen.push(done));
    expect(found).toMatchObject({ images: 300, wrong: 300 - right, warning: null });
    expect(found.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    expect(seen).toEqual([256, 300]);
    for (const [truth, row] of found.confusion.entries()) {
      for (const [predicted, images] of row.entries()) {
        const own = [...answers].filter((answer, i) => data.labels[i] === truth && answer === predicted).length;
        expect(images).toBe(own);
      }
    }
    expect(found.mistakes).toHaveLength(7);
    const sure = found.mistakes.map(({ probability }) => probability);
    expect(sure).toEqual([...sure].sort((a, b) => b - a));
    for (const { image, truth, predicted, picture } of found.mistakes) {
      expect([truth, predicted]).toEqual([data.labels[image], answers[image]]);
      expect(truth).not.toBe(predicted);
      const { data: pixels } = decode(Buffer.from(picture.url.slice(22), "base64"));
      expect(pixels).toEqual(data.images.slice(784 * image, 784 * (image + 1)));
    }
    const accuracy = (100 * right) / 300;
    const same = await predictionsOf({ ...trial, recorded: { accuracy, images: 300 } }, () => {});
    expect(same.warning).toBeNull();
    const other = await predictionsOf({ ...trial, recorded: { accuracy: 99.5, images: 300 } }, () => {});
    expect(other.warning).toContain("not those that the run was tested on");
    const fewer = await predictionsOf({ ...trial, recorded: { accuracy: 99.5, images: 1000 } }, () => {});
    expect(fewer.warning).toBeNull();
  });

  it("are drawn small where pictures are large", () => {
    const pixels = new Uint8Array(3 * 224 * 112).fill(7);
    const small = thumbnail({ width: 224, height: 112, channels: 3, pixels });
    expect(small).toMatchObject({ width: 64, height: 32 });
    expect(new Set(colors(small))).toEqual(new Set(["7,7,7"]));
  });
});

describe("weights", () => {
  it("of one bit have two levels, and kernels that are their signs", () => {
    using net = lenet5({ rng: new Rng(1) });
    prepare(net, { weights: 1, activations: staircase({ bits: 4 }) });
    const { layers, kernels } = weightsOf(net, [28, 28, 1]);
    expect(layers.map(({ name }) => name)).toEqual(["conv1", "conv2", "fc1", "fc2"]);
    for (const { bins, count, bits, levels, unit, edge } of layers) {
      expect(bits).toBe(1);
      expect(unit).toBe("w");
      expect(bins.reduce((sum, found) => sum + found, 0)).toBe(count);
      expect(levels).toHaveLength(2);
      expect(levels[0].at).toBe(-levels[1].at);
      expect(levels[0].share + levels[1].share).toBeCloseTo(1, 12);
      expect(edge).toBeGreaterThan(levels[1].at);
    }
    const conv = [...net.modules()].find((module) => module instanceof QuantConv2d) as QuantConv2d;
    const latent = Array.from(conv.weight.data.view());
    expect(kernels).toMatchObject({ layer: "conv1", bits: 1, total: 32, shape: [5, 5, 1] });
    expect(kernels?.pictures.flatMap(colors)).toEqual(latent.map((w) => (w >= 0 ? BLUE : ORANGE)));
  });

  it("with a step for each channel are counted in steps", () => {
    using net = lenet5({ rng: new Rng(1) });
    prepare(net, { weights: 2, granularity: "channel", activations: staircase({ bits: 4 }) });
    const [{ unit, levels, bins, count }] = weightsOf(net, [28, 28, 1]).layers;
    expect(unit).toBe("w/δ");
    expect(levels.map(({ at }) => at)).toEqual([-1, 0, 1]);
    expect(bins.reduce((sum, found) => sum + found, 0)).toBe(count);
  });

  it("in float have no levels; colour channels lie above one another", () => {
    using conv = new Conv2d(3, 70, [2, 4], { rng: new Rng(1) });
    const { layers, kernels } = weightsOf(conv, [8, 8, 3]);
    expect(layers[0]).toMatchObject({ bits: 32, levels: [], count: 70 * 24 });
    expect(kernels).toMatchObject({ bits: 32, total: 70, shape: [2, 4, 3] });
    expect(kernels?.pictures).toHaveLength(64);
    expect(kernels?.pictures[0]).toMatchObject({ width: 4, height: 6 });
    const most = layers[0].edge;
    expect(new Set(kernels?.pictures.flatMap(colors)).size).toBeGreaterThan(100);
    expect(most).toBeGreaterThan(0);
  });

  it("of a linear first layer are pictures where they look at the image", () => {
    using linear = new Linear(12, 40, { rng: new Rng(1) });
    expect(weightsOf(linear, [2, 2, 3]).kernels).toMatchObject({ total: 40, shape: [2, 2, 3] });
    expect(weightsOf(linear, [4, 4, 1]).kernels).toBeNull();
    using wide = new Conv2d(4, 2, 3, { rng: new Rng(1) });
    expect(weightsOf(wide, [8, 8, 4]).kernels).toBeNull();
  });
});

describe("folders with parts missing", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await Workbench.open();
    const small = "train --model mlp --data digits --limit 64 --test-limit 50 --bits 2W4A --epochs 1 --threads 1";
    expect((await bench.run(...small.split(" "), "--out", "whole", "--quiet")).code).toBe(0);
  });
  afterAll(() => bench?.close());

  const collect = async (name: string, options: { limit?: number } = {}) => {
    const told: string[] = [];
    const [run] = await collectRuns([bench.file(name)], { ...options, warn: (text) => told.push(text) });
    return { run, told };
  };
  const copy = (name: string): string => {
    rmSync(bench.file(name), { recursive: true, force: true });
    cpSync(bench.file("whole"), bench.file(name), { recursive: true });
    return bench.file(name);
  };

  it("give all that a whole one has", async () => {
    const { run, told } = await collect("whole");
    expect(told).toEqual([]);
    expect(run.testImages).toBe(50);
    if (!isShown(run.predictions) || !isShown(run.weights)) throw new Error("left out");
    const { images, wrong, warning } = run.predictions;
    expect([images, warning]).toEqual([50, null]);
    expect((100 * (images - wrong)) / images).toBeCloseTo(run.packed?.accuracy ?? -1, 9);
    expect(run.weights.layers.map(({ name }) => name)).toEqual(run.layers.map(({ name }) => name));
    expect(run.weights.kernels).toMatchObject({ shape: [28, 28, 1], bits: 2 });
    const fewer = await collect("whole", { limit: 20 });
    expect(fewer.run.predictions).toMatchObject({ images: 20, warning: null });
    expect((await collect("whole", { limit: 0 })).run.predictions).toEqual({
      leftOut: "no test images were asked for (--limit 0)",
    });
  });

  it("say what is left out, and why", async () => {
    for (const file of ["model.cgm", "checkpoint.safetensors"]) {
      const folder = copy("part");
      const bytes = readFileSync(`${folder}/${file}`);
      bytes[bytes.length - 9] ^= 1;
      writeFileSync(`${folder}/${file}`, bytes);
      const { run, told } = await collect("part");
      const [lost, kept] = file === "model.cgm" ? [run.predictions, run.weights] : [run.weights, run.predictions];
      expect(isShown(kept)).toBe(true);
      expect(lost).toMatchObject({ leftOut: expect.stringContaining(file) });
      expect(told).toEqual([expect.stringContaining(`left out of the report: ${folder}/${file}`)]);
      rmSync(`${folder}/${file}`);
      const gone = await collect("part");
      expect(gone.told).toEqual([]);
      expect(file === "model.cgm" ? gone.run.predictions : gone.run.weights).toMatchObject({
        leftOut: expect.stringMatching(/no packed model yet|no checkpoint yet/),
      });
    }
  });

  it("names the run that heads the page, or refuses one that is not on it", async () => {
    copy("other");
    const out = bench.file("page.html");
    const { code } = await bench.run("report", "whole", "other", "--headline", "./other", "--out", out, "--quiet");
    expect(code).toBe(0);
    expect(readFileSync(out, "utf8")).toContain('Figures of <a href="#run-1">other</a>');
    const refused = await bench.run("report", "whole", "--headline", "other", "--out", out);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("--headline: not a run of this report; expected whole, got other");
  });

  it("find no pictures where the folder of images is gone", async () => {
    mkdirSync(bench.file("images"));
    for (const name of ["a", "b"]) {
      mkdirSync(bench.file("images", name));
      for (const n of [0, 1]) {
        const pixels = Buffer.alloc(192, 80 * n + (name === "a" ? 0 : 40));
        writeFileSync(bench.file("images", name, `${n}.ppm`), Buffer.concat([Buffer.from("P6 8 8 255\n"), pixels]));
      }
    }
    const data = `imagefolder:${bench.file("images")}`;
    const words =
      "train --model mlp --image-size 8 --epochs 1 --batch 2 --threads 1 --workers 0 --quiet --out pictures";
    expect((await bench.run(...words.split(" "), "--data", data)).code).toBe(0);
    expect((await collect("pictures")).run.predictions).toMatchObject({ images: 4, classes: ["a", "b"] });
    rmSync(bench.file("images"), { recursive: true });
    const { run, told } = await collect("pictures");
    expect(run.predictions).toMatchObject({ leftOut: expect.stringContaining("images") });
    expect(told).toHaveLength(1);
    expect(isShown(run.weights)).toBe(true);
  });
});
