/** @file `train --validate`: images held out of the training images, by the seed, and what is told of them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataLoader, digits } from "../../src/data/index.js";
import type { BatchLoader } from "../../src/data/loader.js";
import { openImageFolder } from "../../src/node/images/folder.js";
import { openLoaders } from "../../src/node/loading/run-loaders.js";
import { createRun, runConfig } from "../../src/run/index.js";
import { heldOut } from "../../src/run/loaders.js";
import { configHash } from "../../src/train/digest.js";
import { Workbench } from "./run.js";

interface Summary {
  weightsSha256: string;
  top1: number;
  testImages: number;
  validation?: { images: number; top1: number; loss: number };
}

const SMALL = "--model mlp --limit 200 --test-limit 80 --batch 32 --epochs 2".split(" ");
let bench: Workbench;
const rows = (run: string): { valAccuracy: number; valLoss: number }[] =>
  readFileSync(bench.file(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

let plain: Summary;
let watched: Summary;
beforeAll(async () => {
  bench = await Workbench.open();
  plain = await bench.json("train", ...SMALL, "--out", "plain");
  watched = await bench.json("train", ...SMALL, "--validate", "60", "--out", "watched");
});
afterAll(() => bench?.close());

async function imagesOf(loader: BatchLoader | undefined): Promise<string[]> {
  const found: string[] = [];
  for await (const { images, count, labels } of loader!.epoch(0)) {
    const size = images.length / count;
    for (let n = 0; n < count; n++) {
      found.push(`${labels[n]} ${Buffer.from(images.slice(n * size, (n + 1) * size)).toString("base64")}`);
    }
  }
  return found;
}

describe("--validate", () => {
  it("0 is the run without it, to the bit and to the hash of its configuration", async () => {
    const zero = await bench.json<Summary>("train", ...SMALL, "--validate", "0", "--out", "zero");
    expect(zero.weightsSha256).toBe(plain.weightsSha256);
    expect(zero.validation).toBeUndefined();
    expect(runConfig({ validate: 0 })).toEqual(runConfig());
    expect(configHash(runConfig({ validate: 5 }))).not.toBe(configHash(runConfig()));
    expect(configHash(runConfig())).toBe("bef34240e95b3e06c24d394e3e05a0cf38d29fde4d271dcb256316cf707e6d49");
  });

  it("is part of the configuration, and trains on what is left", async () => {
    expect(JSON.parse(readFileSync(bench.file("watched", "config.json"), "utf8"))).toMatchObject({ validate: 60 });
    expect(watched.weightsSha256).not.toBe(plain.weightsSha256);
    expect(watched.testImages).toBe(80);
    expect((await bench.json<Summary>("train", ...SMALL, "--validate", "60", "--out", "again")).weightsSha256).toBe(
      watched.weightsSha256,
    );
    const resumed = await bench.run("train", "--resume", "watched", "--validate", "50");
    expect(resumed.stderr).toMatch(/expected validate 60, got validate 50/);
  });

  it("holds images out of the training images by the seed, none of them in both parts, none of the test", async () => {
    const all = await imagesOf(new DataLoader(digits({ seed: 1, train: 200, test: 0 }).train, { batch: 50 }));
    const parts = async (seed: number) => {
      const loaders = await openLoaders(runConfig({ model: "mlp", limit: 200, testLimit: 20, validate: 60, seed }));
      const [train, validation, calibration] = [
        await imagesOf(loaders.train),
        await imagesOf(loaders.validation),
        await imagesOf(loaders.calibration),
      ];
      await loaders.close();
      expect([train.length, validation.length]).toEqual([140, 60]);
      expect([...train, ...validation].sort()).toEqual([...all].sort());
      expect([...calibration].sort()).toEqual([...train].sort());
      return validation;
    };
    const one = await parts(1);
    expect(await parts(1)).toEqual(one);
    expect(await parts(2)).not.toEqual(one);
    const { train, validation } = heldOut({ validate: 3, seed: 1 }, 10)!;
    expect([...train, ...validation].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(heldOut({ validate: 0, seed: 1 }, 10)).toBeNull();
    // Another seed of the run, the same images.
    const same = heldOut({ validate: 3, seed: 2, validateSeed: 1 }, 10);
    expect(same).toEqual({ train, validation });
    expect(heldOut({ validate: 3, seed: 1, validateSeed: 1 }, 10)).toEqual(same);
    expect(heldOut({ validate: 30, seed: 1, validateSeed: 2 }, 100)).not.toEqual(
      heldOut({ validate: 30, seed: 1 }, 100),
    );
  });

  it("--validate-seed is another choice of images for the same training, and part of the configuration", async () => {
    const args = [...SMALL, "--validate", "60", "--validate-seed"];
    const own = await bench.json<Summary>("train", ...args, "1", "--out", "own-seed");
    expect(own.weightsSha256).toBe(watched.weightsSha256);
    expect(own.validation).toEqual(watched.validation);
    const other = await bench.json<Summary>("train", ...args, "7", "--out", "other-seed");
    expect(other.weightsSha256).not.toBe(watched.weightsSha256);
    expect(JSON.parse(readFileSync(bench.file("other-seed", "config.json"), "utf8"))).toMatchObject({
      validate: 60,
      validateSeed: 7,
    });
    const resumed = await bench.run("train", "--resume", "other-seed", "--validate-seed", "8");
    expect(resumed.stderr).toMatch(/expected validateSeed 7, got validateSeed 8/);
    const bare = await bench.run("train", ...SMALL, "--validate-seed", "7", "--out", "bare");
    expect(bare.stderr).toMatch(/--validate-seed: does not go with the other options; expected --validate N/);
  });

  it("is told after every epoch: metrics, progress, summary and report", async () => {
    const [, last] = rows("watched");
    expect(watched.validation).toEqual({ images: 60, top1: 100 * last.valAccuracy, loss: last.valLoss });
    expect((last.valAccuracy * 60) % 1).toBeCloseTo(0, 9);
    expect(rows("plain").at(-1)?.valAccuracy).toBeCloseTo(plain.top1 / 100, 9);
    const { stdout, stderr } = await bench.run("train", ...SMALL, "--validate", "60", "--out", "shown");
    const told = (100 * last.valAccuracy).toFixed(2);
    expect(stderr).toContain(`validation ${told} %`);
    expect(stdout).toMatch(new RegExp(`^validation +${told} % top-1 on 60 training images that were held out$`, "m"));
    await bench.run("report", "shown");
    const page = readFileSync(bench.file("shown", "report.html"), "utf8");
    expect(page).toContain("Validation accuracy");
    expect(page).toMatch(/validate/);
    await bench.run("report", "plain");
    expect(readFileSync(bench.file("plain", "report.html"), "utf8")).not.toContain("Validation accuracy");
  });

  it("is the same in a script of one's own, on images or loaders", async () => {
    const settings = { model: "mlp", limit: 200, testLimit: 80, batch: 32, epochs: 2, validate: 60 } as const;
    const config = runConfig(settings);
    expect((await createRun(config)).weightsSha256).toBe(watched.weightsSha256);
    const loaders = await openLoaders(config);
    const run = await createRun(config, { data: loaders });
    expect(run.metrics.map(({ valAccuracy }) => valAccuracy)).toEqual(rows("watched").map((row) => row.valAccuracy));
    const { validation: _, ...without } = loaders;
    await expect(createRun(config, { data: without })).rejects.toThrow(/data\.validation; expected a loader/);
    const zero = runConfig({ ...settings, validate: 0 });
    await expect(createRun(zero, { data: loaders })).rejects.toThrow(/data\.validation; expected none/);
    await loaders.close();
  });

  it("is refused where nothing would be left, or nothing is trained", async () => {
    const much = await bench.run("train", ...SMALL, "--validate", "199", "--out", "much");
    expect(much.stderr).toBe(
      "coarsegrad: --validate: too many images to hold out; expected at most 198, of 200 training images, got 199\n",
    );
    expect(much.code).toBe(2);
    const ptq = await bench.run(
      ..."train --model mlp --bits 2W4A --method ptq --init plain --validate 10 --out ptq".split(" "),
    );
    expect(ptq.stderr).toMatch(/--validate: does not go with the other options; expected a --method that trains/);
  });
});

describe("image folders", () => {
  const picture = (level: number) =>
    encode({ width: 12, height: 12, channels: 3, data: new Uint8Array(432).fill(level) });
  const make = (folder: string, count: number) => {
    for (const [label, name] of ["dark", "light"].entries()) {
      mkdirSync(bench.file(folder, name), { recursive: true });
      for (let n = 0; n < count; n++) writeFileSync(bench.file(folder, name, `${n}.png`), picture(90 * label + 5 * n));
    }
  };
  const args = (data: string) =>
    `train --model resnet20 --data imagefolder:${data} --image-size 16 --batch 4 --epochs 1 --workers 0`.split(" ");

  it("hold pictures out too", async () => {
    make("pictures/train", 6);
    make("pictures/val", 2);
    const summary = await bench.json<Summary>(...args("pictures"), "--validate", "4", "--out", "folder");
    expect(summary).toMatchObject({ testImages: 4, validation: { images: 4 } });
    expect(summary).not.toHaveProperty("testIsTraining");
    expect((await bench.run("eval", "folder")).stderr).not.toContain("warning");
  });

  const WARNING =
    /^coarsegrad: warning: imagefolder:\w+ has no val\/ \(or test\/\) beside train\/: the test is on the training pictures/m;
  it.each([["flat"], ["lone/train"]])("say that they are tested on what they were trained on: %s", async (folder) => {
    make(folder, 4);
    const data = folder.split("/")[0];
    const { code, stdout, stderr } = await bench.run(...args(data), "--bits", "2W4A", "--out", `runs/${data}`);
    expect(code).toBe(0);
    expect(stderr).toMatch(WARNING);
    expect(stdout).toMatch(/ on 8 of the images that it was trained on$/m);
    const summary = JSON.parse(readFileSync(bench.file("runs", data, "summary.json"), "utf8"));
    expect(summary).toMatchObject({ testImages: 8, testIsTraining: true });
    for (const command of ["eval", "verify"])
      expect((await bench.run(command, `runs/${data}`)).stderr).toMatch(WARNING);
    expect((await bench.run("eval", `runs/${data}`, "--split", "train")).stderr).not.toMatch(WARNING);
    const config = JSON.parse(readFileSync(bench.file("runs", data, "config.json"), "utf8"));
    expect(config.images.classNames).toEqual(["dark", "light"]);
  });

  it("may have a class named train", async () => {
    make("vehicles", 2);
    mkdirSync(bench.file("vehicles", "train"));
    writeFileSync(bench.file("vehicles", "train", "0.png"), picture(3));
    expect((await openImageFolder(bench.file("vehicles"))).train.classNames).toEqual(["dark", "light", "train"]);
  });
});
