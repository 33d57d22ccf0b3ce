/** @file Averages of weights: what they are by definition, resuming bit for bit, ranks, and what is refused. */
import { describe, expect, it } from "vitest";
import { DataLoader, digits } from "../../src/data/index.js";
import { manualSeed } from "../../src/index.js";
import { BatchNorm1d, Flatten, Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { BCGD, cosine, SGD } from "../../src/optim/index.js";
import { prepare, recalibrateBatchNorm } from "../../src/quant/index.js";
import { WeightAverage } from "../../src/train/average.js";
import {
  best,
  type Callback,
  earlyStop,
  evaluate,
  type FitOptions,
  loadCheckpoint,
  restoreCheckpoint,
  fit as trainNet,
  weightsDigest,
} from "../../src/train/index.js";
import { disposeLater } from "../leaks.js";

const { train, test } = digits({ train: 160, test: 60 });
/** Five steps an epoch. */
const common = { batch: 32, seed: 3, schedule: cosine(), config: { of: "average" }, validation: test } as const;

function quantizedNet(): { net: Module; optimizer: BCGD } {
  manualSeed(11);
  const net = disposeLater(
    new Sequential(new Flatten(), new Linear(784, 12), new BatchNorm1d(12), new ReLU(), new Linear(12, 10)),
  );
  prepare(net, { weights: 1, activations: 4 });
  const optimizer = disposeLater(new BCGD(net.parameters(), { lr: 0.05, momentum: 0.9, rho: 1e-5 }));
  return { net, optimizer };
}

async function run(options: Partial<FitOptions>, from?: Uint8Array, epochs = 4) {
  const { net, optimizer } = quantizedNet();
  const checkpoints: Uint8Array[] = [];
  const within: Uint8Array[] = [];
  const result = await trainNet(net, train, {
    ...common,
    epochs,
    optimizer,
    resume: from === undefined ? undefined : loadCheckpoint(from),
    onCheckpoint: (bytes) => void checkpoints.push(bytes),
    onStepCheckpoint: (bytes) => void within.push(bytes),
    ...options,
  });
  return { net, optimizer, checkpoints, within, digest: weightsDigest(net), ...result };
}

/** All latent weights and activation steps, in f64, after every step (`true`) or epoch. */
async function history(everyStep: boolean): Promise<Map<string, number[][]>> {
  const { net, optimizer } = quantizedNet();
  const values = new Map<string, number[][]>();
  const note = (): void => {
    for (const [key, { data }] of net.namedParameters())
      values.set(key, [...(values.get(key) ?? []), [...data.view()]]);
  };
  let first = true;
  await trainNet(net, train, {
    ...common,
    epochs: 4,
    optimizer,
    recalibrate: false,
    beforeStep: () => {
      if (everyStep && !first) note();
      first = false;
    },
    callbacks: everyStep ? [] : [{ onEpoch: note }],
  });
  if (everyStep) note();
  return values;
}

describe("an exponential average", () => {
  it("of latent weights and activation steps is left in the network, and is its definition over the steps", async () => {
    const steps = await history(true);
    const { net } = await run({ average: { ema: 0.9 } });
    expect([...steps.keys()].some((key) => key.endsWith("alpha"))).toBe(true);
    for (const [key, { data }] of net.namedParameters()) {
      const list = steps.get(key) as number[][];
      expect(list).toHaveLength(20);
      let average = Float32Array.from(list[0]);
      list.slice(1).forEach((now, k) => {
        const decay = Math.min(0.9, (2 + k) / (11 + k));
        average = average.map((a, i) => a + (1 - decay) * (now[i] - a));
      });
      expect([...data.view()], key).toEqual([...average]);
    }
  });

  it("with a decay of 0 has the last step's weights, and statistics of its own", async () => {
    const [plain, zero] = [await run({ recalibrate: false }), await run({ average: { ema: 0 } })];
    for (const [key, { data }] of plain.net.namedParameters()) {
      expect([...(zero.net.namedParameters().get(key)?.data.view() ?? [])]).toEqual([...data.view()]);
    }
    expect(zero.digest).not.toBe(plain.digest);
    const loader = new DataLoader(train, { batch: 32, shuffle: true, seed: 3 });
    await recalibrateBatchNorm(plain.net, loader.epoch(3), { batches: 5 });
    const statistics = (net: Module): number[] =>
      [...net.namedBuffers().values()].flatMap(({ data }) => [...(data.view() as Float32Array)]);
    statistics(zero.net).forEach((value, i) => {
      expect(value).toBeCloseTo(statistics(plain.net)[i], 5);
    });
  });

  it("is what each epoch's validation is of, beside that of the last weights; training is as without it", async () => {
    const plain = await run({ recalibrate: false });
    const { metrics, net } = await run({ average: { ema: 0.9 } });
    metrics.forEach(({ average, valLoss, loss, flipRatio, alpha }, i) => {
      const { valLoss: own, valAccuracy, ...others } = plain.metrics[i];
      expect(average).toEqual({ updates: 5 * (i + 1), images: 160, last: { valLoss: own, valAccuracy } });
      expect(valLoss).not.toBe(own);
      expect({ loss, flipRatio, alpha }).toEqual({
        loss: others.loss,
        flipRatio: others.flipRatio,
        alpha: others.alpha,
      });
    });
    const { top1, loss } = await evaluate(net, test);
    expect([top1, loss]).toEqual([metrics[3].valAccuracy, metrics[3].valLoss]);
  });
});

describe("stochastic weight averaging", () => {
  it("is the mean over the ends of epochs from the first on", async () => {
    const ends = await history(false);
    const { net, metrics } = await run({ average: { swa: 2 } });
    expect(metrics.map(({ average }) => average?.updates)).toEqual([undefined, 1, 2, 3]);
    for (const [key, { data }] of net.namedParameters()) {
      const [, second, third, fourth] = ends.get(key) as number[][];
      data.view().forEach((value, i) => {
        expect(value).toBeCloseTo((second[i] + third[i] + fourth[i]) / 3, 5);
      });
    }
  });
});

describe.each([{ ema: 0.95 }, { swa: 2 }])("resuming %o", (average) => {
  it("from every checkpoint ends with the bits of the whole run, those within epochs too", async () => {
    const whole = await run({ average, checkpointEvery: 2 });
    expect(whole.within).toHaveLength(4 * 2);
    const places = [whole.checkpoints[0], whole.checkpoints[2], whole.within[0], whole.within[5]];
    for (const bytes of places) {
      const rest = await run({ average, checkpointEvery: 2 }, bytes);
      expect(rest.digest).toBe(whole.digest);
      expect(rest.checkpoints.at(-1)).toEqual(whole.checkpoints.at(-1));
      const { average: told, valLoss, flipRatio } = rest.metrics.at(-1) ?? {};
      expect({ told, valLoss, flipRatio }).toEqual({
        told: whole.metrics[3].average,
        valLoss: whole.metrics[3].valLoss,
        flipRatio: whole.metrics[3].flipRatio,
      });
    }
  });

  it("checkpoints hold the average as the model, and what training goes on with", async () => {
    const plain = await run({ recalibrate: false });
    const averaged = await run({ average });
    averaged.checkpoints.forEach((bytes, i) => {
      const { net, optimizer } = quantizedNet();
      const checkpoint = loadCheckpoint(bytes);
      restoreCheckpoint(checkpoint, net, optimizer);
      expect(weightsDigest(net)).toBe(weightsDigest(restored(plain.checkpoints[i])));
      net.loadStateDict(checkpoint.model);
      if (i === 3) expect(weightsDigest(net)).toBe(averaged.digest);
    });
  });
});

function restored(bytes: Uint8Array): Module {
  const { net, optimizer } = quantizedNet();
  restoreCheckpoint(loadCheckpoint(bytes), net, optimizer);
  return net;
}

describe("with callbacks", () => {
  const accuracy = { monitor: "valAccuracy" } as const;
  const callbacks = (): Callback[] => [earlyStop({ ...accuracy, patience: 2 }), best(accuracy)];

  it("the best epoch's average is kept, resumed runs keep the same", async () => {
    const options = { average: { ema: 0.5 } } as const;
    const whole = await run({ ...options, callbacks: callbacks() }, undefined, 12);
    const found = whole.metrics.map(({ valAccuracy }) => valAccuracy as number);
    expect(weightsDigest(restoredModel(whole.checkpoints.at(-1) as Uint8Array))).toBe(whole.digest);
    const { top1 } = await evaluate(whole.net, test);
    expect(top1).toBe(Math.max(...found));
    for (const bytes of whole.checkpoints) {
      const rest = await run({ ...options, callbacks: callbacks() }, bytes, 12);
      expect(rest.digest).toBe(whole.digest);
      expect(rest.epoch).toBe(whole.epoch);
    }
  });

  it("a run that patience ended has ended when it is resumed, and one that it did not end goes on counting", async () => {
    const scores = [0.5, 0.6, 0.6, 0.6, 0.7, 0.7];
    const told = (): Callback => ({
      onEpoch: ({ metrics }) => {
        (metrics as { valAccuracy?: number }).valAccuracy = scores[metrics.epoch - 1];
      },
    });
    const whole = await run({ callbacks: [told(), ...callbacks()] }, undefined, 6);
    expect(whole.epoch).toBe(4);
    for (const bytes of whole.checkpoints) {
      const rest = await run({ callbacks: [told(), ...callbacks()] }, bytes, 6);
      expect([rest.epoch, rest.digest]).toEqual([4, whole.digest]);
    }
    expect(weightsDigest(restoredModel(whole.checkpoints[3]))).toBe(whole.digest);
    await expect(run({ callbacks: [told(), best(accuracy), earlyStop()] }, whole.checkpoints[1], 6)).rejects.toThrow(
      /checkpoint holds the state of another callback; expected \{ best, epoch \}/,
    );
  });
});

function restoredModel(bytes: Uint8Array): Module {
  const { net } = quantizedNet();
  net.loadStateDict(loadCheckpoint(bytes).model);
  return net;
}

describe("what is trained on need not be images", () => {
  it("running statistics are averaged then", async () => {
    const x = { shape: [48, 5], data: Float32Array.from({ length: 240 }, (_, i) => Math.fround((i * 7919) % 13) - 6) };
    const y = { shape: [48, 1], data: Float32Array.from({ length: 48 }, (_, i) => (i % 5) - 2) };
    const regress = async (average?: { ema: number }) => {
      manualSeed(3);
      const net = disposeLater(new Sequential(new Linear(5, 8), new BatchNorm1d(8), new ReLU(), new Linear(8, 1)));
      const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.05 }));
      const { metrics } = await trainNet(net, { x, y }, { epochs: 3, batch: 16, optimizer, loss: "mse", average });
      return { metrics, mean: [...(net.namedBuffers().get("1.running_mean")?.data.view() ?? [])] };
    };
    const [plain, averaged] = [await regress(), await regress({ ema: 0.8 })];
    expect(averaged.metrics[2].average).toMatchObject({ updates: 9, images: 0 });
    expect(averaged.mean).not.toEqual(plain.mean);
  });
});

describe("refuses", () => {
  it.each([
    [{}, /average/],
    [{ ema: 1 }, /a decay in \[0, 1\).*, got \{ ema: 1 \}$/],
    [{ ema: 0.9, swa: 2 }, /\{ ema: .* \} or \{ swa: .* \}/],
    [{ swa: 0 }, /an epoch from 1/],
    [{ swa: 5 }, /an epoch of the run, 1 to 4/],
    [{ ema: 0.9, decay: 1 }, /average/],
  ])("%o", async (average, message) => {
    await expect(run({ average })).rejects.toThrow(message);
  });

  it("statistics of other weights, and checkpoints of other averages", async () => {
    await expect(run({ average: { ema: 0.9 }, recalibrate: false })).rejects.toThrow(/statistics of other weights/);
    const [plain, averaged] = [await run({}), await run({ average: { ema: 0.9 } })];
    await expect(run({ average: { ema: 0.9 } }, plain.checkpoints[0])).rejects.toThrow(/another average of weights/);
    await expect(run({ average: { ema: 0.8 } }, averaged.checkpoints[0])).rejects.toThrow(/"ema":0.8.*"ema":0.9/);
    await expect(run({}, averaged.checkpoints[0])).rejects.toThrow(/a run with an average of weights/);
    const { net } = quantizedNet();
    const other = new WeightAverage(net, { ema: 0.9 }, 4);
    const { average } = loadCheckpoint(averaged.checkpoints[0]);
    const arrays = new Map([...(average?.arrays ?? [])].filter(([key]) => key !== "1.bias"));
    expect(() => other.checkState({ options: { ema: 0.9 }, updates: 5, arrays })).toThrow(
      /average of 1.bias is missing/,
    );
  });
});
