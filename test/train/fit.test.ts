/** @file The training loop: learning, metrics, resuming bit for bit, aborting, diverging, and constant memory. */
import { describe, expect, it, vi } from "vitest";
import { manualSeed } from "../../src/autograd/random.js";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { type BatchLoader, DataLoader } from "../../src/data/loader.js";
import { randomCrop } from "../../src/data/transforms.js";
import { memory } from "../../src/kernels/engine.js";
import { mlp } from "../../src/models/mlp.js";
import { BatchNorm1d, Dropout, Flatten, Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { AdamW, cosine, type OptimizerLike, SGD, warmup } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { loadCheckpoint } from "../../src/train/checkpoint.js";
import { weightsDigest } from "../../src/train/digest.js";
import { evaluate } from "../../src/train/evaluate.js";
import { type FitOptions, type FitProgress, fit as fitNet } from "../../src/train/fit.js";
import type { EpochMetrics } from "../../src/train/metrics.js";
import { disposeLater } from "../leaks.js";

const { train, test } = digits({ train: 200, test: 60 });

/** A net with batch norm, dropout of its own stream, and an optimizer with state. */
type Kind = "sgd" | "adamw" | "quantized";

function setUp(kind: Kind = "sgd"): { net: Module; optimizer: OptimizerLike } {
  manualSeed(11);
  const net = disposeLater(
    new Sequential(
      new Flatten(),
      new Linear(784, 12),
      new BatchNorm1d(12),
      new ReLU(),
      new Dropout(0.2),
      new Linear(12, 10),
    ),
  );
  if (kind === "quantized") prepare(net, { weights: 1, activations: 4 });
  const optimizer: OptimizerLike =
    kind === "adamw"
      ? new AdamW(net.parameters(), { lr: 5e-3 })
      : new SGD(net.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 1e-4 });
  return { net, optimizer: disposeLater(optimizer) };
}

const common = (kind: string) => ({
  batch: 32,
  seed: 3,
  schedule: warmup(cosine(), { epochs: 1 }),
  labelSmoothing: 0.1,
  transforms: [randomCrop({ padding: 2 })],
  config: { kind },
});

/** Runs to the end, keeping every checkpoint; `stopAfter` epochs simulates a kill at that place. */
async function run(kind: Kind, options: Partial<FitOptions> = {}, from?: Uint8Array) {
  const { net, optimizer } = setUp(kind);
  const checkpoints: Uint8Array[] = [];
  const result = await fitNet(net, train, {
    ...common(kind),
    epochs: 4,
    optimizer,
    resume: from === undefined ? undefined : loadCheckpoint(from),
    onCheckpoint: (bytes) => {
      checkpoints.push(bytes);
    },
    ...options,
  });
  return { net, optimizer, result, checkpoints, digest: weightsDigest(net) };
}

describe("learning", () => {
  it("an mlp reads generated digits within a few epochs", async () => {
    const data = digits({ train: 1500, test: 300 });
    const net = disposeLater(mlp({ sizes: [784, 48, 10], rng: new Rng(1) }));
    const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 }));
    const { metrics } = await fitNet(net, data.train, {
      epochs: 5,
      optimizer,
      batch: 50,
      validation: data.test,
      schedule: cosine(),
    });
    expect(metrics[4].loss).toBeLessThan(metrics[0].loss / 2);
    expect(metrics[4].valAccuracy).toBeGreaterThan(0.85);
    const again = await evaluate(net, data.test);
    expect([again.top1, again.loss]).toEqual([metrics[4].valAccuracy, metrics[4].valLoss]);
  });
});

describe("reports", () => {
  it("progress at every step, metrics after every epoch, in order", async () => {
    const seen: FitProgress[] = [];
    const order: string[] = [];
    const { net, optimizer } = setUp();
    const { metrics, epoch, stopped } = await fitNet(net, train, {
      ...common("sgd"),
      epochs: 2,
      optimizer,
      validation: test,
      onProgress: (progress) => seen.push(progress),
      onEpoch: (row: EpochMetrics) => {
        order.push(`epoch ${row.epoch}`);
      },
      onCheckpoint: (_, row) => {
        order.push(`checkpoint ${row.epoch}`);
      },
    });
    expect(seen.map(({ epoch, step }) => [epoch, step])).toEqual(
      [1, 2].flatMap((e) => [1, 2, 3, 4, 5, 6, 7].map((s) => [e, s])),
    );
    expect(seen[3]).toMatchObject({ epochs: 2, steps: 7 });
    for (const { loss, accuracy, imagesPerSecond, etaSeconds } of seen) {
      expect(loss).toBeGreaterThan(0);
      expect(accuracy).toBeLessThanOrEqual(1);
      expect(imagesPerSecond).toBeGreaterThan(0);
      expect(etaSeconds).toBeGreaterThanOrEqual(0);
    }
    expect(seen[13].etaSeconds).toBe(0);
    expect(order).toEqual(["epoch 1", "checkpoint 1", "epoch 2", "checkpoint 2"]);
    expect([epoch, stopped, metrics.length]).toEqual([2, false, 2]);
    expect(metrics[1]).toMatchObject({ epoch: 2, loss: seen[13].loss, accuracy: seen[13].accuracy });
    // The last step of a cosine over 14 steps.
    expect(metrics[1].lr).toBeCloseTo((0.1 * (1 + Math.cos((Math.PI * 13) / 14))) / 2, 12);
    expect(net.parameters().every((parameter) => parameter.grad === null)).toBe(true);
  });
  it("lets other work run", async () => {
    let turns = 0;
    let over = false;
    const turn = () => {
      turns += 1;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    await run("sgd", { epochs: 2 });
    over = true;
    expect(turns).toBeGreaterThan(3);
  });
  it("calls beforeStep with the place in the run", async () => {
    const steps: number[] = [];
    await run("sgd", {
      epochs: 1,
      beforeStep: ({ step, stepsPerEpoch, epochs }) => steps.push(step, stepsPerEpoch, epochs),
    });
    expect(steps).toEqual([0, 1, 2, 3, 4, 5, 6].flatMap((step) => [step, 7, 1]));
  });
  it("clips gradients by their joint norm when asked to", async () => {
    const start = weightsDigest(setUp().net);
    const still = await run("sgd", { epochs: 1, clipGradNorm: 0, schedule: undefined });
    // Only decay moves the weights then; its rate is 1e-5 a step.
    const first = Array.from(still.net.parameters()[0].toTypedArray());
    const fresh = Array.from(setUp().net.parameters()[0].toTypedArray());
    expect(still.digest).not.toBe(start);
    first.forEach((w, i) => {
      expect(Math.abs(w - fresh[i])).toBeLessThan(1e-3 * Math.abs(fresh[i]) + 1e-8);
    });
  });
  it("leaves out a last batch of one image, which batch norm cannot take", async () => {
    const seen: FitProgress[] = [];
    await run("sgd", { epochs: 1, batch: 199, onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ step, steps }) => [step, steps])).toEqual([[1, 1]]);
  });
});

describe("resuming", () => {
  it.each(["sgd", "adamw", "quantized"] as const)(
    "%s: a run that was cut off and went on ends with the same bits",
    async (kind) => {
      const whole = await run(kind);
      const cut = await run(kind, {
        onEpoch: ({ epoch }) => {
          if (epoch === 3) throw new Error("killed");
        },
      }).catch((error: Error) => error.message);
      expect(cut).toBe("killed");
      manualSeed(99);
      const resumed = await run(kind, {}, whole.checkpoints[1]);
      expect(resumed.result).toMatchObject({ epoch: 4, stopped: false });
      expect(resumed.result.metrics.map(({ epoch }) => epoch)).toEqual([3, 4]);
      expect(resumed.digest).toBe(whole.digest);
      expect(resumed.checkpoints.at(-1)).toEqual(whole.checkpoints.at(-1));
      const figures = ({ epoch, loss, accuracy, lr }: EpochMetrics) => ({ epoch, loss, accuracy, lr });
      expect(resumed.result.metrics.map(figures)).toEqual(whole.result.metrics.slice(2).map(figures));
    },
  );
  it("depends on the seed", async () => {
    const [a, b] = [await run("sgd", { epochs: 1 }), await run("sgd", { epochs: 1, seed: 4 })];
    expect(a.digest).not.toBe(b.digest);
  });
  it("of a finished run does nothing", async () => {
    const whole = await run("sgd", { epochs: 2 });
    const again = await run("sgd", { epochs: 2 }, whole.checkpoints[1]);
    expect([again.result.metrics, again.result.epoch, again.digest]).toEqual([[], 2, whole.digest]);
  });
  it("refuses another configuration, batch size or network, and changes nothing", async () => {
    const { checkpoints } = await run("sgd", { epochs: 1 });
    const { net, optimizer } = setUp();
    const before = weightsDigest(net);
    const resume = loadCheckpoint(checkpoints[0]);
    const go = (options: Partial<FitOptions>) =>
      fitNet(net, train, { ...common("sgd"), epochs: 2, optimizer, resume, ...options });
    await expect(go({ config: { kind: "other" } })).rejects.toThrow(
      /fit: the checkpoint is of another configuration.*"other".*"sgd"/,
    );
    await expect(go({ batch: 50 })).rejects.toThrow(
      /another batch size; expected 4 steps an epoch, got 7 steps in 1 epochs/,
    );
    expect(weightsDigest(net)).toBe(before);
    const other = disposeLater(mlp({ sizes: [784, 10] }));
    const theirs = disposeLater(new SGD(other.parameters(), { lr: 1 }));
    await expect(fitNet(other, train, { ...common("sgd"), epochs: 2, optimizer: theirs, resume })).rejects.toThrow(
      /checkpoint/,
    );
  });
});

describe("what tells training data from others", () => {
  const loader = (digest?: string): BatchLoader => {
    const own = new DataLoader(train, { batch: 50, shuffle: true, seed: 3 });
    const { name, classes, imageShape, batches, images } = own;
    const about = { name, classes, imageShape, batches, images, ...(digest !== undefined && { digest }) };
    return { ...about, epoch: (epoch, from, range) => own.epoch(epoch, from, range) };
  };
  const go = async (digest: string | undefined, from?: Uint8Array) => {
    const { net, optimizer } = setUp();
    const kept: Uint8Array[] = [];
    const onCheckpoint = (bytes: Uint8Array): void => void kept.push(bytes);
    const resume = from && loadCheckpoint(from);
    await fitNet(net, loader(digest), { epochs: from === undefined ? 1 : 2, optimizer, resume, onCheckpoint });
    return kept[0];
  };
  it("is kept in checkpoints; a run does not go on with others", async () => {
    const first = await go("a".repeat(64));
    expect(loadCheckpoint(first).data).toBe("a".repeat(64));
    await expect(go("b".repeat(64), first)).rejects.toThrow(
      /^fit: the checkpoint is of other data than digits\/train is now; expected a{64}, got b{64}/,
    );
    expect(loadCheckpoint(await go("a".repeat(64), first)).epoch).toBe(2);
  });
  it("does not matter where either side does not tell", async () => {
    const [told, untold] = [await go("a"), await go(undefined)];
    expect(loadCheckpoint(untold)).not.toHaveProperty("data");
    expect(loadCheckpoint(await go(undefined, told)).epoch).toBe(2);
    expect(loadCheckpoint(await go("b", untold)).epoch).toBe(2);
  });
  it("is a text", async () => {
    await expect(go(7 as never)).rejects.toThrow(/digits\/train: bad digest/);
  });
});

describe("quantized networks", () => {
  it("report flips, steps and saturation of each layer, of training alone", async () => {
    const { result } = await run("quantized", { epochs: 2, validation: test });
    const [first, second] = result.metrics;
    expect(Object.keys(first.flipRatio ?? {})).toEqual(["1", "5"]);
    expect(Object.keys(first.alpha ?? {})).toEqual(["3"]);
    for (const { flipRatio, alpha, saturation } of [first, second]) {
      for (const share of [...Object.values(flipRatio ?? {}), ...Object.values(saturation ?? {})]) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThan(1);
      }
      expect(alpha?.[3]).toBeGreaterThan(0);
    }
    expect(first.flipRatio?.[1]).toBeGreaterThan(0);
    expect(second.alpha).not.toEqual(first.alpha);
    const plain = await run("quantized", { epochs: 2 });
    expect(plain.result.metrics.map(({ saturation }) => saturation)).toEqual([first.saturation, second.saturation]);
    expect((await run("sgd", { epochs: 1 })).result.metrics[0]).not.toHaveProperty("alpha");
  });
  it("diverge with the place named, though layers refuse such weights first", async () => {
    const { net, optimizer } = setUp("quantized");
    const poison = ({ step }: { step: number }) => {
      if (step !== 4) return;
      net.parameters()[0].data.view()[5] = Number.NaN;
      net.parameters()[0].markChanged();
    };
    const running = fitNet(net, train, { ...common("quantized"), epochs: 1, optimizer, beforeStep: poison });
    await expect(running).rejects.toThrow(
      /fit: training diverged in epoch 1, step 5; expected finite numbers, got 1 NaN or infinite in 1.weight/,
    );
  });
});

describe("ending early", () => {
  it("stops at a step boundary and keeps the last epoch's checkpoint as the last", async () => {
    const control = new AbortController();
    const { result, checkpoints, net } = await run("sgd", {
      signal: control.signal,
      onProgress: ({ epoch, step }) => {
        if (epoch === 2 && step === 3) control.abort();
      },
    });
    expect(result).toMatchObject({ epoch: 1, stopped: true });
    expect([result.metrics.length, checkpoints.length]).toEqual([1, 1]);
    expect(net.parameters().every((parameter) => parameter.grad === null)).toBe(true);
    const whole = await run("sgd");
    const resumed = await run("sgd", {}, checkpoints[0]);
    expect(resumed.digest).toBe(whole.digest);
  });
  it("names epoch, step and loss when the loss is no number", async () => {
    const saved = vi.fn();
    const { net, optimizer } = setUp();
    const poison = ({ step }: { step: number }) => {
      if (step === 9) net.parameters()[0].data.view()[5] = Number.NaN;
    };
    const running = fitNet(net, train, {
      ...common("sgd"),
      epochs: 3,
      optimizer,
      beforeStep: poison,
      onCheckpoint: saved,
    });
    await expect(running).rejects.toThrow(
      /fit: training diverged in epoch 2, step 3; expected finite numbers, got loss NaN; earlier checkpoints/,
    );
    expect(saved).toHaveBeenCalledTimes(1);
  });
  it("does not save an epoch that ends with infinite weights", async () => {
    const saved = vi.fn();
    const { net, optimizer } = setUp();
    net.nameParameters();
    const last = (net as Sequential)[5] as Linear;
    const poison = (progress: FitProgress) => {
      if (progress.step === progress.steps) last.bias?.data.view().fill(Number.POSITIVE_INFINITY);
    };
    const running = fitNet(net, train, {
      ...common("sgd"),
      epochs: 1,
      optimizer,
      onProgress: poison,
      onCheckpoint: saved,
    });
    await expect(running).rejects.toThrow(
      /diverged at the end of epoch 1; expected finite numbers, got 10 NaN or infinite in 5.bias/,
    );
    expect(saved).not.toHaveBeenCalled();
  });
  it("refuses bad options", async () => {
    const { net, optimizer } = setUp();
    await expect(fitNet(net, train, { epochs: 1.5, optimizer })).rejects.toThrow(
      /fit: bad epochs; expected an integer ≥ 0, got 1.5/,
    );
  });
});

describe("memory", () => {
  it("after step 1000 is what it was after step 10", async () => {
    const small = digits({ train: 100, test: 0 }).train;
    const net = disposeLater(mlp({ sizes: [784, 8, 10], rng: new Rng(1) }));
    const optimizer = disposeLater(new AdamW(net.parameters()));
    const live: string[] = [];
    let step = 0;
    await fitNet(net, small, {
      epochs: 100,
      optimizer,
      batch: 10,
      onProgress: () => {
        step++;
        if (step === 10 || step === 1000) {
          const { arrays, bytes, peakBytes, reservedBytes } = memory();
          live.push(JSON.stringify({ arrays, bytes, peakBytes, reservedBytes }));
        }
      },
    });
    expect(step).toBe(1000);
    expect(live[1]).toBe(live[0]);
  });
});
