/** @file Shards of a batch: what they add up to, what a run may ask for, and going on within an epoch. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { sha256Hex } from "../../src/core/sha256.js";
import { DataLoader, digits, ExampleLoader, exampleDataset, imageDataset } from "../../src/data/index.js";
import { placeOf } from "../../src/data/loader.js";
import { manualSeed, type Tensor, tensor } from "../../src/index.js";
import { lenet5 } from "../../src/models/index.js";
import { BatchNorm1d, Dropout, Linear, Module, ReLU, Sequential } from "../../src/nn/index.js";
import { BCGD, SGD } from "../../src/optim/index.js";
import { binary, prepare, staircase } from "../../src/quant/index.js";
import { evaluate, loadCheckpoint, saveCheckpoint, fit as train, weightsDigest } from "../../src/train/index.js";
import { aloneWorld, type World } from "../../src/world/index.js";

const rng = new Rng("shards");
const x = { shape: [48, 5], data: Float32Array.from({ length: 240 }, () => rng.normal()) };
const y = { shape: [48, 1], data: Float32Array.from({ length: 48 }, () => rng.normal()) };

function regression(shards: number | undefined, batch: number, weights?: Float32Array): Promise<number[]> {
  manualSeed(3);
  const net = new Sequential([new Linear(5, 8), new ReLU(), new Linear(8, 1)]);
  const optimizer = new SGD(net.parameters(), { lr: 0.05 });
  const options = { epochs: 1, batch, optimizer, loss: "mse", dropLast: false, ...(shards && { shards }) } as const;
  return train(net, { x, y, ...(weights && { weights }) }, options).then(({ metrics }) => {
    const values = net.parameters().flatMap(({ data }) => [...(data.view() as Float32Array)]);
    optimizer.dispose();
    net.dispose();
    return [...values, metrics[0].loss];
  });
}

describe("shards", () => {
  it.each([
    [2, 16],
    [4, 16],
    [8, 20], // shards of two and three, and a last batch of eight
    [16, 48],
  ])("%i of batches of %i are the gradient of the whole batch, to rounding", async (shards, batch) => {
    const weights = Float32Array.from({ length: 48 }, (_, n) => 0.5 + (n % 3));
    for (const own of [undefined, weights]) {
      const [whole, parts] = [await regression(undefined, batch, own), await regression(shards, batch, own)];
      whole.forEach((value, i) => {
        expect(Math.abs(parts[i] - value)).toBeLessThan(2e-6 * Math.max(1, Math.abs(value)));
      });
      expect(parts).not.toEqual(whole);
    }
  });

  it("is the training without shards if there is one", async () => {
    expect(await regression(1, 16)).toEqual(await regression(undefined, 16));
  });

  it("leaves out last batches of which some shard would be a single example, unless told otherwise", async () => {
    manualSeed(3);
    const net = new Sequential([new Linear(5, 8), new BatchNorm1d(8), new Linear(8, 1)]);
    const optimizer = new SGD(net.parameters(), { lr: 0.05 });
    const counts: number[] = [];
    const seen = {
      name: "count",
      start: () => ({ add: ({ shape }: { shape: readonly number[] }) => void counts.push(shape[0]), value: () => 0 }),
    };
    const options = { epochs: 1, optimizer, loss: "mse", shards: 4, metrics: [seen] } as const;
    await train(net, { x, y }, { ...options, batch: 20 }); // 20, 20 and 8: two each
    expect(counts).toEqual([5, 5, 5, 5, 5, 5, 5, 5, 2, 2, 2, 2]);
    counts.length = 0;
    await train(net, { x, y }, { ...options, batch: 21 }); // 21, 21 and 6: some alone
    expect(counts).toEqual([5, 5, 5, 6, 5, 5, 5, 6]);
    await expect(train(net, { x, y }, { ...options, batch: 21, dropLast: false })).rejects.toThrow(/BatchNorm1d|batch/);
    optimizer.dispose();
    net.dispose();
  });

  it("average running statistics of the shards, and leave other buffers alone", async () => {
    manualSeed(3);
    const net = new Sequential([new BatchNorm1d(5), new Linear(5, 1)]);
    const optimizer = new SGD(net.parameters(), { lr: 0 });
    await train(net, { x, y }, { epochs: 1, batch: 48, optimizer, loss: "mse", shards: 2, recalibrate: false });
    const norm = net.modules().find((module) => module instanceof BatchNorm1d) as BatchNorm1d;
    const mean = norm.runningMean.data.view();
    for (let c = 0; c < 5; c++) {
      let sum = 0;
      for (let n = 0; n < 48; n++) sum += x.data[5 * n + c];
      expect(mean[c]).toBeCloseTo((0.1 * sum) / 48, 6);
    }
    optimizer.dispose();
    net.dispose();
  });

  it("draws masks by step and shard, and leaves the streams as they were", async () => {
    const run = async (shards: number) => {
      manualSeed(3);
      const dropout = new Dropout(0.5);
      const before = `${dropout.rng.state()}`;
      const net = new Sequential([new Linear(5, 8), dropout, new Linear(8, 1)]);
      const optimizer = new SGD(net.parameters(), { lr: 0.05 });
      await train(net, { x, y }, { epochs: 1, batch: 16, optimizer, loss: "mse", shards });
      const digest = weightsDigest(net);
      const after = `${dropout.rng.state()}`;
      optimizer.dispose();
      net.dispose();
      return { digest, moved: before !== after };
    };
    const [one, two, again] = [await run(1), await run(2), await run(2)];
    expect(two).toEqual(again);
    expect(two.digest).not.toBe(one.digest);
    expect([one.moved, two.moved]).toEqual([true, false]);
  });

  it("refuses what is no number of shards, more ranks than shards, and what is no world", async () => {
    const net = new Sequential([new Linear(5, 1)]);
    const optimizer = new SGD(net.parameters(), { lr: 0.05 });
    const options = { epochs: 1, batch: 16, optimizer, loss: "mse" } as const;
    for (const shards of [0, 3, 2.5, "2"]) {
      await expect(train(net, { x, y }, { ...options, shards: shards as number })).rejects.toThrow(/shards/);
    }
    const world: World = { ...aloneWorld(), size: 3 };
    await expect(train(net, { x, y }, { ...options, shards: 2, world })).rejects.toThrow(
      /more ranks than shards.*shards: 4/,
    );
    for (const bad of [null, {}, 2]) {
      await expect(train(net, { x, y }, { ...options, world: bad as never })).rejects.toThrow(/world/);
    }
    optimizer.dispose();
    net.dispose();
  });
});

describe("parts of batches", () => {
  it("are what a slice of the whole batch is", () => {
    const { train: images } = digits({ train: 50, test: 0 });
    const loader = new DataLoader(images, { batch: 20, shuffle: true, seed: 4 });
    for (let index = 0; index < loader.batches; index++) {
      const whole = loader.batch(1, index);
      for (const [first, end] of [
        [0, 3],
        [3, 8],
        [5, 5],
      ]) {
        const part = loader.batch(1, index, undefined, { shards: 8, first, end });
        const { start, end: until } = placeOf(whole.count, { shards: 8, first, end });
        expect(part.part).toEqual({ start, whole: whole.count });
        expect([...part.labels]).toEqual([...whole.labels.slice(start, until)]);
        expect(part.images).toEqual(whole.images.slice(start * 784, until * 784));
      }
    }
  });
  it("of examples begin where a resumed epoch does", async () => {
    const loader = new ExampleLoader(exampleDataset({ x, y }), { batch: 10, shuffle: true, seed: 2 });
    const all = [];
    for await (const batch of loader.epoch(2)) all.push(batch);
    const rest = [];
    for await (const batch of loader.epoch(2, 3)) rest.push(batch);
    expect(rest).toEqual(all.slice(3));
  });
});

describe("checkpoints within an epoch", () => {
  const { train: images } = digits({ train: 160, test: 0 });
  const make = () => {
    manualSeed(5);
    const net = prepare(lenet5(), { weights: binary(), activations: staircase({ bits: 4 }) });
    return { net, optimizer: new BCGD(net.parameters(), { lr: 0.02, momentum: 0.9, rho: 1e-5 }) };
  };
  const rows = (metrics: readonly object[]) => metrics.map((row) => ({ ...row, seconds: 0, imagesPerSecond: 0 }));

  it("are made when a function wants them; ranks could not agree on one", async () => {
    const { net, optimizer } = make();
    const asked: number[] = [];
    const kept: number[] = [];
    const checkpointEvery = (step: number): boolean => {
      asked.push(step);
      return step === 3 || step > 8;
    };
    const onStepCheckpoint = (bytes: Uint8Array): void => void kept.push(loadCheckpoint(bytes).step);
    await train(net, images, { epochs: 2, batch: 32, optimizer, checkpointEvery, onStepCheckpoint });
    // The last step of an epoch has the epoch's checkpoint.
    expect(asked).toEqual([1, 2, 3, 4, 6, 7, 8, 9]);
    expect(kept).toEqual([3, 9]);
    const world = { ...aloneWorld(), size: 2 };
    await expect(
      train(net, images, { epochs: 1, batch: 32, shards: 2, optimizer, world, checkpointEvery }),
    ).rejects.toThrow("fit: ranks could not agree on checkpoints");
    await expect(train(net, images, { epochs: 1, batch: 32, optimizer, checkpointEvery: 0 })).rejects.toThrow(
      /bad checkpointEvery/,
    );
    optimizer.dispose();
    net.dispose();
  });

  it.each([1, 2])("go on with the bits and figures of an uninterrupted run, %i shards", async (shards) => {
    const whole = make();
    const partial: Uint8Array[] = [];
    let last = new Uint8Array();
    const options = { epochs: 2, batch: 32, shards, config: { shards } };
    const result = await train(whole.net, images, {
      ...options,
      optimizer: whole.optimizer,
      checkpointEvery: 2,
      onStepCheckpoint: (bytes) => void partial.push(bytes),
      onCheckpoint: (bytes) => {
        last = bytes as Uint8Array<ArrayBuffer>;
      },
    });
    const each = make();
    const stepped = new Map<number, Uint8Array>();
    await train(each.net, images, {
      ...options,
      optimizer: each.optimizer,
      checkpointEvery: 1,
      onStepCheckpoint: (bytes) => void stepped.set(loadCheckpoint(bytes).step, bytes),
    });
    each.optimizer.dispose();
    each.net.dispose();
    // After steps 2 and 4 of 5, in both epochs.
    expect(partial.map((bytes) => loadCheckpoint(bytes).step)).toEqual([2, 4, 7, 9]);
    for (const bytes of partial) {
      const { net, optimizer } = make();
      const resume = loadCheckpoint(bytes);
      let end = new Uint8Array();
      const rest = await train(net, images, {
        ...options,
        optimizer,
        resume,
        onCheckpoint: (saved) => {
          end = saved as Uint8Array<ArrayBuffer>;
        },
      });
      expect(sha256Hex(end)).toBe(sha256Hex(last));
      expect(rows(rest.metrics)).toEqual(rows(result.metrics.slice(resume.epoch)));
      // Speed is that of the steps that were made here.
      const [{ imagesPerSecond, seconds }] = rest.metrics;
      const here = (5 - (resume.step % 5)) * 32;
      expect(imagesPerSecond * seconds).toBeCloseTo(here, 3);
      optimizer.dispose();
      net.dispose();
    }
    // A run that is stopped keeps the step that it was at, and nothing where an epoch's checkpoint is as good.
    for (const [at, kept] of [
      [1, [1]],
      [3, [3]],
      [5, []],
      [8, [8]],
    ] as const) {
      const cut = make();
      const stop = new AbortController();
      let step = 0;
      const saved: Uint8Array[] = [];
      const stopped = await train(cut.net, images, {
        ...options,
        optimizer: cut.optimizer,
        signal: stop.signal,
        onProgress: () => {
          step++;
          if (step === at) stop.abort();
        },
        onStepCheckpoint: (bytes) => void saved.push(bytes),
        onCheckpoint: () => {},
      });
      expect([stopped.stopped, saved.map((bytes) => loadCheckpoint(bytes).step)]).toEqual([true, kept]);
      if (saved.length > 0) expect(sha256Hex(saved[0])).toBe(sha256Hex(stepped.get(at) as Uint8Array));
      cut.optimizer.dispose();
      cut.net.dispose();
    }
    whole.optimizer.dispose();
    whole.net.dispose();
  });

  it("refuses figures of a network with other layers", async () => {
    const { net, optimizer } = make();
    const partial = { sums: { loss: 1, mass: 32, count: 32, hits: 3 }, counts: { flips: [], codes: [] }, silent: [] };
    const resume = loadCheckpoint(saveCheckpoint({ net, optimizer, epoch: 0, step: 1, partial }));
    const run = train(net, images, { epochs: 1, batch: 32, optimizer, resume });
    await expect(run).rejects.toThrow(/QuantWatch\.add: bad counts\.codes; expected /);
    optimizer.dispose();
    net.dispose();
  });

  it("refuses a step beyond the epoch, and figures that are none", async () => {
    const { net, optimizer } = make();
    const odd = loadCheckpoint(saveCheckpoint({ net, optimizer, epoch: 0, step: 3 }));
    await expect(train(net, images, { epochs: 2, batch: 32, optimizer, resume: odd })).rejects.toThrow(
      /3 steps in 0 epochs/,
    );
    expect(() => saveCheckpoint({ net, optimizer, epoch: 0, step: 3, partial: { sums: {} } as never })).toThrow(
      /partial/,
    );
    optimizer.dispose();
    net.dispose();
  });
});

it("ranks that were started with other configurations, data or weights are refused before the first step", async () => {
  const net = new Sequential([new Linear(5, 1)]);
  const optimizer = new SGD(net.parameters(), { lr: 0.05 });
  const before = weightsDigest(net);
  const run = async (differs: number): Promise<void> => {
    let calls = 0;
    // Rank 1 says something else in one of the comparisons.
    const gather = async (own: Uint8Array) => [own, calls++ === differs ? new TextEncoder().encode('"other"') : own];
    const world: World = { ...aloneWorld(), size: 2, gather };
    await train(net, { x, y }, { epochs: 1, batch: 16, optimizer, loss: "mse", shards: 2, world });
  };
  const named = [
    "configuration",
    "teacher",
    "shards",
    "epochs",
    "batches in an epoch",
    "training data",
    "first step",
    "average of weights",
    "weights before the first step",
  ];
  for (const [differs, what] of named.entries()) {
    await expect(run(differs), what).rejects.toThrow(new RegExp(`ranks do not agree on the ${what}.*other on rank 1`));
  }
  expect(weightsDigest(net)).toBe(before);
  optimizer.dispose();
  net.dispose();
});

it("evaluation with ranks keeps losses that are not finite as they are", async () => {
  // Two ranks that found out the same.
  const world: World = { ...aloneWorld(), size: 2, gather: async (bytes) => [bytes, bytes] };
  class Sure extends Module {
    // The label's logit is −∞: its loss is ∞, not NaN.
    forward({ shape }: Tensor): Tensor {
      return tensor(Array.from({ length: shape[0] }, () => [0, Number.NEGATIVE_INFINITY]));
    }
  }
  const fields = { name: "two", shape: [1, 1, 1] as const, classes: 2 };
  const data = imageDataset({ ...fields, images: new Uint8Array(4), labels: new Uint8Array(4).fill(1) });
  for (const options of [{}, { world }]) {
    expect((await evaluate(new Sure(), data, options)).loss).toBe(Number.POSITIVE_INFINITY);
  }
});
