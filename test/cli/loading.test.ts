/**
 * @file Batches for runs: workers and this thread make the same ones; image folders; what goes wrong in a worker comes
 * out of the command.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { type Batch, DataLoader } from "../../src/data/loader.js";
import { horizontalFlip, randomCrop } from "../../src/data/transforms.js";
import { limitPart } from "../../src/node/class-folder.js";
import { dataRoots } from "../../src/node/data-files.js";
import { FolderMaker, openImageFolder } from "../../src/node/images/folder.js";
import { MemoryMaker } from "../../src/node/loading/maker.js";
import { PrefetchLoader } from "../../src/node/loading/prefetch.js";
import { openLoaders } from "../../src/node/loading/run-loaders.js";
import { runConfig } from "../../src/run/settings.js";
import { DESCRIPTORS } from "../handles.js";
import { Workbench } from "./run.js";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
  // Three classes by colour: 6, 5 and 4 pictures of various sizes, one a PNG.
  const rng = new Rng("pictures");
  for (const [label, name] of ["blue", "green", "red"].entries()) {
    mkdirSync(bench.file("pictures", name), { recursive: true });
    for (let n = 0; n < 6 - label; n++) {
      const [width, height] = [20 + rng.int(20), 20 + rng.int(20)];
      const pixels = (channels: number) =>
        Uint8Array.from({ length: width * height * channels }, (_, i) =>
          i % channels === 2 - label || i % channels === 3 ? 255 : rng.int(90),
        );
      const file = bench.file("pictures", name, `${n}.${n === 0 ? "png" : "JPEG"}`);
      if (n === 0) writeFileSync(file, encode({ width, height, data: pixels(3), channels: 3 }));
      else writeFileSync(file, jpeg.encode({ width, height, data: pixels(4) }, 90).data);
    }
  }
  writeFileSync(bench.file("pictures", "red", "notes.txt"), "not a picture");
});
afterAll(() => bench?.close());

const all = async (batches: AsyncIterable<Batch>) => {
  const found: Batch[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
};

describe("batches in memory", () => {
  it("are those of a DataLoader, from any batch of any epoch on", async () => {
    const { train } = digits({ train: 21, test: 0 });
    const spec = {
      kind: "memory",
      dataset: train,
      batch: 4,
      shuffle: true,
      seed: 5,
      dropLast: true,
      augment: "crop-flip",
    } as const;
    const transforms = [randomCrop({ padding: 4 }), horizontalFlip()];
    const reference = new DataLoader(train, { batch: 4, shuffle: true, seed: 5, dropLast: true, transforms });
    const loader = new PrefetchLoader(spec, 0);
    expect([loader.batches, loader.images]).toEqual([5, 20]);
    for (const [epoch, from] of [
      [0, 0],
      [3, 2],
    ]) {
      expect(await all(loader.epoch(epoch, from))).toEqual(await all(reference.epoch(epoch, from)));
    }
    const maker = new MemoryMaker(spec);
    expect([maker.batch(3, 2), maker.batch(0, 1)]).toEqual([reference.batch(3, 2), reference.batch(0, 1)]);
  });
});

describe("images to calibrate on", () => {
  const first = async (method: "bcgd" | "ptq" | "comq", augment: "none" | "shift", part: "calibration" | "train") => {
    const made = runConfig({ model: "mlp", bits: "2W4A", augment, batch: 128, limit: 128 });
    const config = { ...made, quant: { ...made.quant!, method } };
    const loaders = await openLoaders(config);
    const [batch] = await all(loaders[part].epoch(0));
    await loaders.close();
    return batch;
  };
  it("are the augmented ones where nothing is trained afterwards", async () => {
    for (const method of ["ptq", "comq"] as const) {
      expect(await first(method, "shift", "calibration")).toEqual(await first(method, "shift", "train"));
      expect(await first(method, "none", "calibration")).not.toEqual(await first(method, "shift", "calibration"));
    }
  });
  it("are random crops of pictures too", async () => {
    const made = runConfig({ model: "resnet18", bits: "2W4A" });
    const images = { shape: [32, 32, 3] as [number, number, number], classes: 3, classNames: ["blue", "green", "red"] };
    const pictures = async (method: "bcgd" | "ptq", augment: "none" | "crop-flip") => {
      const data = `imagefolder:${bench.file("pictures")}`;
      const config = { ...made, data, images, quant: { ...made.quant!, method }, augment };
      const loaders = await openLoaders(config);
      const batches = await all(loaders.calibration.epoch(0));
      await loaders.close();
      return batches;
    };
    const plain = await pictures("ptq", "none");
    expect(await pictures("ptq", "crop-flip")).not.toEqual(plain);
    expect(await pictures("bcgd", "crop-flip")).toEqual(plain);
  });
  it("are plain before training", async () => {
    const plain = await first("bcgd", "none", "train");
    expect(await first("bcgd", "shift", "calibration")).toEqual(plain);
    expect(await first("bcgd", "shift", "train")).not.toEqual(plain);
  });
});

describe("image folders", () => {
  it("have a class for each folder, in order, and its pictures, in order", async () => {
    const { train, test } = await openImageFolder(bench.file("pictures"));
    expect(train).toEqual(test);
    expect(train.classNames).toEqual(["blue", "green", "red"]);
    expect(train.labels).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(train.files.slice(0, 2)).toEqual([path.join("blue", "0.png"), path.join("blue", "1.JPEG")]);
    expect(limitPart(train, 3).labels).toEqual([0, 0, 1]);
  });
  it("take training and test pictures from train/ and val/ where those are", async () => {
    const both = bench.file("both");
    for (const part of ["train", "val"]) {
      mkdirSync(path.join(both, part, "a"), { recursive: true });
      writeFileSync(path.join(both, part, "a", `${part}.png`), readFileSync(bench.file("pictures", "red", "0.png")));
    }
    const { train, test } = await openImageFolder(both);
    expect([train.files, test.files]).toEqual([[path.join("a", "train.png")], [path.join("a", "val.png")]]);
    mkdirSync(path.join(both, "val", "b"));
    await expect(openImageFolder(both)).rejects.toThrow(
      /different classes; expected 1 classes in train\/, got 2 classes in val\/ \(.+ only there\)/,
    );
    await expect(openImageFolder(bench.file("nowhere"))).rejects.toThrow(
      /nowhere: cannot be read; expected a folder, got no such folder$/,
    );
    rmSync(path.join(both, "val", "a"), { recursive: true });
    await expect(openImageFolder(path.join(both, "val"))).rejects.toThrow(
      /no pictures; expected a folder for each class/,
    );
  });
  it("make the same batches however often they are asked, and other crops in another epoch", async () => {
    const { train: part } = await openImageFolder(bench.file("pictures"));
    const options = { kind: "folder", part, size: 16, batch: 4, shuffle: true, seed: 2, dropLast: false } as const;
    const maker = new FolderMaker({ ...options, augment: true });
    expect([maker.batches, maker.images]).toEqual([4, 15]);
    const first = await maker.batch(1, 2);
    expect(await maker.batch(1, 2)).toEqual(first);
    const plain = new FolderMaker({ ...options, augment: false });
    expect((await plain.batch(1, 2)).indices).toEqual(first.indices);
    expect((await plain.batch(1, 2)).images).not.toEqual(first.images);
    const batches = await Promise.all([0, 1, 2, 3].map((index) => plain.batch(0, index)));
    expect(batches.flatMap(({ indices }) => [...indices]).sort((a, b) => a - b)).toEqual([...Array(15).keys()]);
    // Each class has its colour: labels belong to their pictures.
    for (const { images, labels, count } of batches) {
      for (let k = 0; k < count; k++) {
        const channel = 2 - labels[k];
        const means = [0, 1, 2].map(
          (c) =>
            images
              .subarray(k * 768, (k + 1) * 768)
              .filter((_, i) => i % 3 === c)
              .reduce((a, b) => a + b, 0) / 256,
        );
        expect(means[channel]).toBeGreaterThan(200);
        for (const c of [0, 1, 2]) if (c !== channel) expect(means[c]).toBeLessThan(120);
      }
    }
  });
});

interface Summary {
  top1: number;
  weightsSha256: string;
  packed: { top1: number };
}

describe("workers", () => {
  /** Runs a program of its own, whose threads run the same file, with `spec`. @returns how it ended */
  async function programOf(name: string, body: string, ...args: string[]) {
    const contents = `
      import { readdirSync, readlinkSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      import { PrefetchLoader } from "./src/node/loading/prefetch.js";
      import { isLoaderWorker } from "./src/node/loading/worker.js";
      import { digits } from "./src/data/digits.js";
      const settings = { kind: "memory", batch: 2, shuffle: false, seed: 1, dropLast: false, augment: "none" };
      if (!isLoaderWorker()) {
        const spec = { ...settings, dataset: digits({ train: 4, test: 0 }).train };
        ${body}
      }`;
    const stdin = { contents, resolveDir: path.join(import.meta.dirname, "../.."), loader: "ts" } as const;
    const outfile = bench.file(`${name}.mjs`);
    await build({ stdin, outfile, bundle: true, format: "esm", target: "node20", platform: "node" });
    const { status, stdout, stderr } = spawnSync(process.execPath, [outfile, ...args], {
      ...{ encoding: "utf8", timeout: 60_000 },
    });
    return { status, stdout, stderr };
  }
  it.each(["none", "one"])("that nothing is wanted of keep no process alive: %s", async (mode) => {
    const body = `
      const loader = new PrefetchLoader(spec, 1);
      if (process.argv[2] === "one") for await (const batch of loader.epoch(0)) { console.log(batch.count); break; }
      else console.log(loader.batches);`;
    expect(await programOf(`loader-${mode}`, body, mode)).toEqual({ status: 0, stdout: "2\n", stderr: "" });
  });
  it.skipIf(!existsSync(DESCRIPTORS))("leave no file open, however soon they are closed", async () => {
    const body = `
      for (let n = 0; n < 40; n++) {
        const loader = new PrefetchLoader(spec, 2);
        await sleep(n / 2);
        await loader.close();
      }
      const open = readdirSync("${DESCRIPTORS}").map((name) => {
        try { return readlinkSync("${DESCRIPTORS}/" + name); } catch { return ""; }
      });
      console.log(open.filter((name) => name === process.argv[1]).length);`;
    expect(await programOf("loader-closed", body)).toEqual({ status: 0, stdout: "0\n", stderr: "" });
  });
});

describe("train --workers", () => {
  const trained = (data: string[], workers: string, out: string) => {
    const args = ["train", ...data, "--epochs", "2", "--workers", workers, "--out", out, "--threads", "1"];
    // Workers run the bundle.
    return workers === "0" ? bench.json<Summary>(...args) : bench.childJson<Summary>(...args);
  };
  it("does not change a bit of the result, in memory or from a folder", async () => {
    const memory = ["--model", "mlp", "--limit", "300", "--test-limit", "50", "--augment", "shift"];
    const folder = ["--model", "resnet20", "--data", "imagefolder:pictures", "--image-size", "16", "--batch", "4"];
    for (const data of [memory, [...folder, "--augment", "crop-flip"]]) {
      const name = data[1];
      const own = await trained(data, "0", `runs/${name}-0`);
      for (const workers of ["1", "2"]) {
        expect((await trained(data, workers, `runs/${name}-${workers}`)).weightsSha256).toBe(own.weightsSha256);
      }
    }
  });
  it("gives runs on folders what eval, verify and pack need, folder or not", async () => {
    const run = [
      "--model",
      "resnet20",
      "--data",
      "imagefolder:pictures",
      "--image-size",
      "16",
      "--batch",
      "4",
      "--bits",
      "1W4A",
    ];
    const summary = await trained(run, "1", "runs/quantized");
    expect(summary.packed.top1).toBe(summary.top1);
    expect(await bench.json("verify", "runs/quantized")).toMatchObject({ identical: true, images: 15 });
    expect(await bench.json("eval", "runs/quantized/model.cgm", "--data", "imagefolder:pictures")).toMatchObject({
      top1: summary.top1,
    });
    const config = JSON.parse(readFileSync(bench.file("runs", "quantized", "config.json"), "utf8"));
    expect(config.images).toEqual({ shape: [16, 16, 3], classes: 3, classNames: ["blue", "green", "red"] });
    for (const given of ["runs/quantized", "runs/quantized/model.cgm"]) {
      const counted = await bench.json<{ weightsByBits: unknown[] }>("summary", given);
      expect(counted.weightsByBits.length).toBeGreaterThan(0);
    }
    // Of images that are only asked for by their folder.
    const named = ["--data", "imagefolder:pictures"];
    expect(await bench.json("summary", "resnet20", ...named, "--bits", "1W4A")).toHaveProperty("layers");
    expect(await bench.json("export", "runs/quantized", "--out", "quantized.onnx")).toMatchObject({
      kind: "checkpoint",
    });
    await bench.json("pack", "runs/quantized", "--out", "again.cgm");
    expect(readFileSync(bench.file("again.cgm"))).toEqual(readFileSync(bench.file("runs", "quantized", "model.cgm")));
  });
  it("does not go on with a folder that has other files now", async () => {
    const folder = bench.file("changing");
    const alone = ["--workers", "0", "--threads", "1"];
    cpSync(bench.file("pictures"), folder, { recursive: true });
    const data = ["--model", "resnet20", "--data", "imagefolder:changing", "--image-size", "16", "--batch", "4"];
    await bench.json("train", ...data, "--epochs", "1", "--out", "runs/changing", ...alone);
    const picture = path.join(folder, "red", "1.JPEG");
    renameSync(picture, path.join(folder, "red", "another.JPEG"));
    const more = ["train", "--resume", "runs/changing", "--epochs", "2", ...alone];
    const { code, stderr } = await bench.run(...more);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/the checkpoint is of other data than \S+ is now; expected [0-9a-f]{64}/),
    ]);
    renameSync(path.join(folder, "red", "another.JPEG"), picture);
    expect(await bench.json(...more)).toMatchObject({ epochs: 2 });
  });
  it.each(["0", "1"])("names a damaged picture, with %s workers, and ends", async (workers) => {
    const damaged = bench.file("damaged", "a");
    mkdirSync(damaged, { recursive: true });
    for (const n of [0, 1, 2])
      writeFileSync(path.join(damaged, `${n}.jpg`), readFileSync(bench.file("pictures", "red", "1.JPEG")));
    writeFileSync(path.join(damaged, "3.jpg"), readFileSync(bench.file("pictures", "red", "1.JPEG")).subarray(0, 200));
    const run = workers === "0" ? bench.run.bind(bench) : bench.child.bind(bench);
    const { code, stderr } = await run(
      ...["train", "--model", "resnet20", "--data", "imagefolder:damaged", "--image-size", "16", "--batch", "2"],
      ...["--workers", workers, "--out", `runs/damaged-${workers}`, "--quiet"],
    );
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^coarsegrad: warning: [^\n]*\ncoarsegrad: \S*3\.jpg: damaged JPEG; expected a whole file, got .+\n$/,
      ),
    ]);
  });
  it("says what folders do not take", async () => {
    const shift = await bench.run(
      "train",
      "--model",
      "resnet20",
      "--data",
      "imagefolder:pictures",
      "--augment",
      "shift",
    );
    expect([shift.code, shift.stderr]).toEqual([2, expect.stringContaining("crop-flip or none for an image folder")]);
    const size = await bench.run("train", "--image-size", "32");
    expect([size.code, size.stderr]).toEqual([2, expect.stringContaining("--data imagefolder:DIR")]);
  });
});

const sample = dataRoots()
  .map((root) => path.join(root, "imagenet-sample"))
  .find((directory) => existsSync(directory));
it.skipIf(sample === undefined)(
  "an epoch on photographs laid out as ImageNet (skipped where the data folder has no imagenet-sample)",
  async () => {
    const summary = await bench.childJson<Summary & { testImages: number }>(
      ...["train", "--model", "resnet20", "--data", `imagefolder:${sample}`, "--image-size", "64", "--batch", "8"],
      ...["--epochs", "1", "--augment", "crop-flip", "--bits", "1W4A", "--out", "runs/sample"],
    );
    expect(summary.testImages).toBe(16);
    expect(summary.packed.top1).toBe(summary.top1);
  },
);
