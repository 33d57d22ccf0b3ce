/** @file Mixup: its random numbers, blends and targets, the loss against the definition, and what it may not depend on. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/index.js";
import type { Batch } from "../../src/data/loader.js";
import { crossEntropy, manualSeed, scope, softCrossEntropy, tensor } from "../../src/index.js";
import { Flatten, Linear, Sequential } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import { loadCheckpoint, fit as trainNet, weightsDigest } from "../../src/train/index.js";
import { mixedLoss } from "../../src/train/mixed-loss.js";
import { beta, Mixup, mixedTargets } from "../../src/train/mixup.js";
import { sliceImages } from "../../src/train/task.js";
import { disposeLater } from "../leaks.js";

describe("beta", () => {
  it.each([
    [0.2, 0.2],
    [1, 1],
    [0.5, 2],
    [3, 1.5],
  ])("(%d, %d) has its mean, variance and range", (a, b) => {
    const rng = new Rng("beta");
    const draws = Array.from({ length: 20000 }, () => beta(rng, a, b));
    for (const draw of draws) expect(draw >= 0 && draw <= 1).toBe(true);
    const mean = draws.reduce((sum, x) => sum + x) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(a / (a + b), 1.9);
    expect(variance).toBeCloseTo((a * b) / ((a + b) ** 2 * (a + b + 1)), 2);
  });
  it("(1, 1) is uniform (Kolmogorov and Smirnov)", () => {
    const rng = new Rng(5);
    const draws = Array.from({ length: 5000 }, () => beta(rng, 1, 1)).sort((x, y) => x - y);
    const distance = Math.max(...draws.map((x, i) => Math.abs(x - (i + 0.5) / draws.length)));
    expect(distance * Math.sqrt(5000)).toBeLessThan(1.63);
  });
  it("does not break down for tiny parameters", () => {
    const rng = new Rng(6);
    for (let n = 0; n < 1000; n++) expect(beta(rng, 1e-3, 1e-3)).not.toBeNaN();
  });
});

const batch: Batch = {
  images: Uint8Array.from({ length: 8 * 4 }, (_, i) => (i * 53) % 256),
  labels: Int32Array.from([0, 1, 2, 0, 1, 2, 0, 1]),
  indices: Uint32Array.from([4, 2, 7, 1, 0, 3, 6, 5]),
  count: 8,
  shape: [8, 2, 2, 1],
  epoch: 3,
  index: 1,
};

describe("mixup", () => {
  it("blends each image with another one of its batch, the larger part its own", () => {
    const { images, partners, shares } = new Mixup(1, 7).mix(batch);
    let blended = 0;
    for (let k = 0; k < 8; k++) {
      expect(shares[k]).toBeGreaterThanOrEqual(0.5);
      const own = [...batch.images.subarray(4 * k, 4 * k + 4)];
      const candidates = [...batch.labels.keys()].filter((j) => batch.labels[j] === partners[k]);
      const blends = candidates.map((j) =>
        own.map((pixel, i) => Math.round(shares[k] * pixel + (1 - shares[k]) * batch.images[4 * j + i])),
      );
      expect(blends).toContainEqual([...images.subarray(4 * k, 4 * k + 4)]);
      if (`${own}` !== `${images.subarray(4 * k, 4 * k + 4)}`) blended++;
    }
    expect(blended).toBeGreaterThan(4);
  });

  it("depends on seed, epoch, batch and place alone", () => {
    const mixup = new Mixup(0.4, 7);
    const now = mixup.mix(batch);
    expect(new Mixup(0.4, 7).mix(batch)).toEqual(now);
    const others = [new Mixup(0.4, 8).mix(batch), mixup.mix({ ...batch, epoch: 4 }), mixup.mix({ ...batch, index: 2 })];
    for (const other of others) expect(other.shares).not.toEqual(now.shares);
    // A shard of the batch is the same, whether a rank has the whole batch or a part of it.
    const part = { ...sliceImages(batch, 4, 8) };
    expect(mixup.mix(sliceImages(part, 2, 4))).toEqual(mixup.mix(sliceImages(batch, 6, 8)));
    expect(mixup.mix(sliceImages(batch, 2, 4)).shares).not.toEqual(mixup.mix(sliceImages(batch, 6, 8)).shares);
  });

  it("has targets of the definition, and their cross entropy is the blend of two", () =>
    scope(() => {
      const mixed = { partners: Int32Array.from([2, 1]), shares: Float64Array.from([0.75, 1]) };
      const targets = mixedTargets([0, 1], mixed, 3, 0.1);
      const want = [0.9 * 0.75 + 0.1 / 3, 0.1 / 3, 0.9 * 0.25 + 0.1 / 3, 0.1 / 3, 0.9 + 0.1 / 3, 0.1 / 3];
      targets.forEach((q, i) => {
        expect(q).toBeCloseTo(want[i], 6);
      });
      const logits = tensor([
        [1, -2, 0.5],
        [0.3, 0.1, -1],
      ]);
      const losses = (labels: number[]): number[] => [
        ...crossEntropy(logits, labels, { reduction: "none", labelSmoothing: 0.1 }).toTypedArray(),
      ];
      const [own, others] = [losses([0, 1]), losses([2, 1])];
      const blend = (0.75 * own[0] + 0.25 * others[0] + own[1]) / 2;
      expect(mixedLoss(logits, [0, 1], { ...mixed, images: new Uint8Array() }, 0.1).item()).toBeCloseTo(blend, 5);
    }));
});

describe("softCrossEntropy", () => {
  it("of one-hot rows is crossEntropy, bit for bit, with its gradient", () =>
    scope(() => {
      const values = Array.from({ length: 12 }, (_, i) => Math.sin(i * 3.7) * 3);
      const hot = [2, 0, 1, 1];
      for (const reduction of ["mean", "sum", "none"] as const) {
        const [a, b] = [tensor(values, { requiresGrad: true }), tensor(values, { requiresGrad: true })];
        const rows = hot.flatMap((label) => [0, 1, 2].map((c) => Number(c === label)));
        const soft = softCrossEntropy(a.reshape([4, 3]), tensor(rows).reshape([4, 3]), { reduction });
        const hard = crossEntropy(b.reshape([4, 3]), hot, { reduction });
        expect([...soft.toTypedArray()]).toEqual([...hard.toTypedArray()]);
        soft.sum().backward();
        hard.sum().backward();
        expect([...(a.grad?.toTypedArray() ?? [])]).toEqual([...(b.grad?.toTypedArray() ?? [])]);
      }
    }));
  it("refuses other shapes, no classes, means over nothing, unknown reductions", () =>
    scope(() => {
      const logits = tensor([[1, 2]]);
      expect(() => softCrossEntropy(logits, tensor([[1, 0, 0]]))).toThrow(/softCrossEntropy.*shapes differ/);
      expect(() => softCrossEntropy(tensor(1), tensor(1))).toThrow(/no axis of classes/);
      expect(() => softCrossEntropy(logits, logits, { reduction: "max" as "sum" })).toThrow(/reduction/);
    }));
});

describe("fit with mixup", () => {
  const { train } = digits({ train: 120, test: 10 });
  async function run(options: object, from?: Uint8Array) {
    manualSeed(2);
    const net = disposeLater(new Sequential(new Flatten(), new Linear(784, 10)));
    const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 }));
    const checkpoints: Uint8Array[] = [];
    const keep = (bytes: Uint8Array): void => void checkpoints.push(bytes);
    const resume = from && loadCheckpoint(from);
    const common = { epochs: 2, batch: 24, optimizer, resume, onCheckpoint: keep, onStepCheckpoint: keep };
    const { metrics } = await trainNet(net, train, { ...common, ...options });
    return { digest: weightsDigest(net), checkpoints, metrics };
  }
  it("changes the run, by its seed; 0 does not; and a resumed one ends with the same bits", async () => {
    const [plain, zero, mixed] = [
      await run({}),
      await run({ mixup: 0 }),
      await run({ mixup: 0.3, checkpointEvery: 2 }),
    ];
    expect(zero.digest).toBe(plain.digest);
    expect(mixed.digest).not.toBe(plain.digest);
    expect(mixed.metrics[1].loss).toBeGreaterThan(plain.metrics[1].loss);
    expect(mixed.checkpoints.length).toBe(6);
    for (const bytes of mixed.checkpoints.slice(0, 5)) {
      expect((await run({ mixup: 0.3, checkpointEvery: 2 }, bytes)).digest).toBe(mixed.digest);
    }
    await expect(run({ mixup: -1 })).rejects.toThrow(/mixup/);
  });
});
