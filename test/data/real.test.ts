/** @file The real data sets, where they are present: label histograms, sizes and pixel statistics. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { labelHistogram } from "../../src/data/dataset.js";
import { datasetInfo } from "../../src/data/registry.js";
import { readSafetensors } from "../../src/io/safetensors.js";
import { dataRoots, findDataDir, loadDataset } from "../../src/node/data-files.js";
import { readFileBytes } from "../../src/node/files.js";

const absent = async (name: string) =>
  findDataDir(name).then(
    () => false,
    () => true,
  );
const missing = {
  mnist: await absent("mnist"),
  fashion: await absent("fashion-mnist"),
  cifar: await absent("cifar10"),
  fsdd: await absent("fsdd"),
};
const WHERE = "(skipped where the data folder does not have it)";

function statistics(images: Uint8Array, channels: number): { mean: number[]; std: number[] } {
  const mean: number[] = [];
  const std: number[] = [];
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    let squares = 0;
    for (let i = c; i < images.length; i += channels) {
      sum += images[i];
      squares += images[i] * images[i];
    }
    const n = images.length / channels;
    mean.push(sum / n / 255);
    std.push(Math.sqrt(squares / n - (sum / n) ** 2) / 255);
  }
  return { mean, std };
}

describe("public data sets", () => {
  it.skipIf(missing.fsdd)(
    `the spoken digits, by takes and by speakers ${WHERE}`,
    async () => {
      const { train, test } = await loadDataset("fsdd");
      expect([train.count, test.count]).toEqual([2700, 300]);
      expect(labelHistogram(train)).toEqual(Array(10).fill(270));
      expect(labelHistogram(test)).toEqual(Array(10).fill(30));
      const { mean, std } = statistics(train.images, 1);
      const info = datasetInfo("fsdd");
      expect(mean[0]).toBeCloseTo(info.mean[0], 2);
      expect(std[0]).toBeCloseTo(info.std[0], 2);
      const left = await loadDataset("fsdd:s5");
      expect([left.train.count, left.test.count]).toEqual([2500, 500]);
      expect(labelHistogram(left.test)).toEqual(Array(10).fill(50));
    },
    120_000,
  );

  it.skipIf(missing.mnist)(`MNIST ${WHERE}`, async () => {
    const { train, test } = await loadDataset("mnist");
    expect(labelHistogram(train)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(labelHistogram(test)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    expect([train.count, test.count, ...train.shape]).toEqual([60000, 10000, 28, 28, 1]);
    const { mean, std } = statistics(train.images, 1);
    expect(mean[0]).toBeCloseTo(datasetInfo("mnist").mean[0], 4);
    expect(std[0]).toBeCloseTo(datasetInfo("mnist").std[0], 4);
  });
  it.skipIf(missing.fashion)(`Fashion-MNIST ${WHERE}`, async () => {
    const { train, test } = await loadDataset("fashion-mnist", { limits: { test: 2000 } });
    expect(labelHistogram(train)).toEqual(new Array(10).fill(6000));
    expect([train.count, test.count]).toEqual([60000, 2000]);
    const { mean, std } = statistics(train.images, 1);
    expect(mean[0]).toBeCloseTo(datasetInfo("fashion-mnist").mean[0], 3);
    expect(std[0]).toBeCloseTo(datasetInfo("fashion-mnist").std[0], 3);
  });
  it.skipIf(missing.cifar)(`CIFAR-10, the first training batch and the test batch ${WHERE}`, async () => {
    const { train, test } = await loadDataset("cifar10", { limits: { train: 10000 } });
    expect(labelHistogram(train)).toEqual([1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]);
    expect(labelHistogram(test)).toEqual(new Array(10).fill(1000));
    expect([train.count, test.count, ...test.shape]).toEqual([10000, 10000, 32, 32, 3]);
    const { mean, std } = statistics(train.images, 3);
    // One batch of five, against the whole set's means; a mix-up of channels or of scales would be off by 0.01 or more.
    [0.4914, 0.48216, 0.44653].forEach((m, c) => {
      expect(Math.abs(mean[c] - m)).toBeLessThan(0.003);
    });
    [0.24703, 0.24348, 0.26159].forEach((s, c) => {
      expect(Math.abs(std[c] - s)).toBeLessThan(0.003);
    });
  });
});

const checkpoint = dataRoots()
  .map((root) => join(root, "pretrained/resnet20-cifar10.safetensors"))
  .find((path) => existsSync(path));
it.skipIf(checkpoint === undefined)(`a published ResNet-20 checkpoint reads whole ${WHERE}`, async () => {
  const { tensors } = readSafetensors(await readFileBytes(checkpoint as string), "resnet20");
  expect(tensors.size).toBe(97);
  expect(tensors.get("conv1.weight")?.shape).toEqual([16, 3, 3, 3]);
  expect(tensors.get("linear.weight")?.shape).toEqual([10, 64]);
  let trained = 0;
  for (const [name, { data, dtype }] of tensors) {
    expect(dtype).toBe("F32");
    expect((data as Float32Array).every(Number.isFinite), name).toBe(true);
    if (!name.includes("running")) trained += data.length;
  }
  expect(trained).toBe(269722);
});
