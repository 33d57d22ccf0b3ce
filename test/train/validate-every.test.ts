/** @file Looks at validation data after some epochs alone: the run is the same, and what watches figures waits. */
import { describe, expect, it } from "vitest";
import { digits } from "../../src/data/index.js";
import { manualSeed } from "../../src/index.js";
import { BatchNorm1d, Flatten, Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { BCGD, cosine, SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/index.js";
import {
  best,
  type Callback,
  earlyStop,
  type FitOptions,
  loadCheckpoint,
  fit as trainNet,
  weightsDigest,
} from "../../src/train/index.js";
import { disposeLater } from "../leaks.js";

const { train, test } = digits({ train: 160, test: 60 });

async function run(options: Partial<FitOptions>, from?: Uint8Array) {
  manualSeed(11);
  const net: Module = disposeLater(
    new Sequential(new Flatten(), new Linear(784, 12), new BatchNorm1d(12), new ReLU(), new Linear(12, 10)),
  );
  prepare(net, { weights: 1, activations: 4 });
  const optimizer = disposeLater(new BCGD(net.parameters(), { lr: 0.05, momentum: 0.9, rho: 1e-5 }));
  const checkpoints: Uint8Array[] = [];
  const result = await trainNet(net, train, {
    batch: 32,
    seed: 3,
    schedule: cosine(),
    validation: test,
    epochs: 5,
    optimizer,
    resume: from === undefined ? undefined : loadCheckpoint(from),
    onCheckpoint: (bytes) => void checkpoints.push(bytes),
    ...options,
  });
  return { ...result, checkpoints, digest: weightsDigest(net) };
}

describe("validateEvery", () => {
  it.each([
    ["the weights of training", {}],
    ["an average of them", { average: { ema: 0.9 } }],
  ])("looks at %s after some epochs and the last, and changes nothing else", async (_, options) => {
    const [each, some] = [await run(options), await run({ ...options, validateEvery: 2 })];
    expect(some.digest).toBe(each.digest);
    expect(some.metrics.map(({ valLoss }) => valLoss !== undefined)).toEqual([false, true, false, true, true]);
    some.metrics.forEach((row, i) => {
      const { valLoss, valAccuracy, average, seconds: _seconds, imagesPerSecond: _speed, ...figures } = each.metrics[i];
      expect(row).toMatchObject(figures);
      if (row.valLoss !== undefined) expect(row).toMatchObject({ valLoss, valAccuracy, ...(average && { average }) });
      else if (average !== undefined) expect(row.average).toEqual({ ...average, last: {} });
    });
    // Whatever is kept between looks goes on from there.
    const resumed = await run({ ...options, validateEvery: 2 }, some.checkpoints[2]);
    expect(resumed.digest).toBe(each.digest);
    expect(resumed.metrics.map(({ valLoss }) => valLoss)).toEqual(some.metrics.slice(3).map(({ valLoss }) => valLoss));
  });

  it("lets what watches the validation wait for it, and what watches training see every epoch", async () => {
    const seen: [number, boolean][] = [];
    const watch: Callback = { onEpoch: ({ metrics, looked }) => void seen.push([metrics.epoch, looked]) };
    const kept = best();
    // Nothing after the first look is an improvement: the second one, at epoch 4, ends the run.
    const hopeless = earlyStop({ patience: 1, minDelta: 1e9 });
    const stopped = await run({ validateEvery: 2, epochs: 9, callbacks: [watch, kept, hopeless] });
    expect(stopped.metrics.at(-1)?.epoch).toBe(4);
    expect(seen).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [4, true],
    ]);
    const [second, fourth] = [stopped.metrics[1].valLoss, stopped.metrics[3].valLoss] as [number, number];
    expect(kept.epoch).toBe(fourth < second ? 4 : 2);
    // A figure of validation within another is waited for too, and a name that no epoch has is refused.
    const inner = earlyStop({ patience: 1, minDelta: 1e9, monitor: "average.last.valLoss" });
    const averaged = await run({ validateEvery: 2, epochs: 9, average: { ema: 0.9 }, callbacks: [inner] });
    expect(averaged.metrics).toHaveLength(4);
    const unknown = earlyStop({ monitor: "valLos" });
    await expect(run({ validateEvery: 2, callbacks: [unknown] })).rejects.toThrow(/bad monitor; expected .*valLoss/);
    const training = earlyStop({ patience: 1, minDelta: 1e9, monitor: "loss" });
    expect((await run({ validateEvery: 4, callbacks: [training] })).metrics).toHaveLength(2);
  });

  it("is of examples too", async () => {
    manualSeed(5);
    const net = disposeLater(new Sequential(new Linear(2, 1)));
    const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.1 }));
    const x = Array.from({ length: 20 }, (_, i) => [i / 20, 1 - i / 20]);
    const data = { x, y: x.map(([a]) => [3 * a]) };
    const { metrics } = await trainNet(net, data, {
      loss: "mse",
      epochs: 4,
      optimizer,
      validation: 0.2,
      validateEvery: 3,
    });
    expect(metrics.map(({ valLoss }) => typeof valLoss)).toEqual(["undefined", "undefined", "number", "number"]);
  });

  it("is a number of epochs, of a run that has something to look at", async () => {
    const message = "fit: bad validateEvery; expected";
    for (const validateEvery of [0, 1.5, "2" as never]) {
      await expect(run({ validateEvery })).rejects.toThrow(`${message} an integer ≥ 1`);
    }
    await expect(run({ validateEvery: 2, validation: undefined })).rejects.toThrow(`${message} validation data`);
  });
});
