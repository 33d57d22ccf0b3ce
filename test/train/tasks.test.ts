/**
 * @file `fit`, `evaluate` and `predict` on examples of any task: losses, metrics, weights, sources of batches,
 * callbacks, resuming.
 */
import { describe, expect, it } from "vitest";
import { mse } from "../../src/autograd/functions.js";
import { manualSeed } from "../../src/autograd/random.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, DataError, ShapeError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { batchSource } from "../../src/data/example-loader.js";
import { type ExampleFields, exampleDataset, exampleSubset } from "../../src/data/examples.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  BatchNorm1d,
  CrossEntropyLoss,
  HuberLoss,
  Linear,
  Module,
  MSELoss,
  ReLU,
  Sequential,
} from "../../src/nn/index.js";
import { Adam, SGD } from "../../src/optim/index.js";
import { best, earlyStop } from "../../src/train/callbacks.js";
import { loadCheckpoint } from "../../src/train/checkpoint.js";
import { weightsDigest } from "../../src/train/digest.js";
import { evaluate } from "../../src/train/evaluate.js";
import type { TaskOptions } from "../../src/train/example-options.js";
import { fit as fitNet } from "../../src/train/fit.js";
import { predict } from "../../src/train/predict.js";
import { disposeLater } from "../leaks.js";

const rng = new Rng(5);
const X = Float32Array.from({ length: 60 * 3 }, () => rng.normal());
const x = { shape: [60, 3], data: X };
const sums = Float32Array.from({ length: 60 }, (_, n) => X[3 * n] - 2 * X[3 * n + 1] + 0.5);
const signs = Int32Array.from(sums, (value) => (value > 0 ? 1 : 0));

function setUp(outputs = 1): { net: Sequential; optimizer: SGD } {
  manualSeed(3);
  const net = disposeLater(new Sequential(new Linear(3, 8), new BatchNorm1d(8), new ReLU(), new Linear(8, outputs)));
  return { net, optimizer: disposeLater(new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 })) };
}
const run = (data: ExampleFields, options: Partial<TaskOptions> = {}, outputs = 1) => {
  const { net, optimizer } = setUp(outputs);
  return fitNet(net, data, { epochs: 3, optimizer, batch: 16, ...options }).then((result) => ({
    net,
    result,
    digest: weightsDigest(net),
  }));
};

describe("fit on examples", () => {
  it("learns numbers, and says what it was asked for", async () => {
    const { net, result } = await run(
      { x, y: sums },
      { epochs: 100, loss: "mse", metrics: ["mae", "r2"], validation: 0.25 },
    );
    const last = result.metrics[99];
    expect(Object.keys(last).slice(0, 6)).toEqual(["epoch", "loss", "metrics", "valLoss", "valMetrics", "lr"]);
    expect(last.metrics.r2).toBeGreaterThan(0.9);
    expect(last.valMetrics?.r2).toBeGreaterThan(0.8);
    expect(last.examplesPerSecond).toBeGreaterThan(0);
    expect(last).not.toHaveProperty("flipRatio");
    const found = await evaluate(net, { x, y: sums }, { loss: "mse", metrics: ["mse", "mae", "r2"] });
    const { shape, data } = await predict(net, x, { batch: 7 });
    expect(shape).toEqual([60, 1]);
    const errors = sums.map((value, n) => data[n] - value);
    const squared = errors.reduce((sum, error) => sum + error * error, 0) / 60;
    const mean = sums.reduce((a, b) => a + b) / 60;
    const spread = sums.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 60;
    expect(found.examples).toBe(60);
    expect(found.loss).toBeCloseTo(squared, 5);
    expect(found.metrics.mse).toBeCloseTo(squared, 5);
    expect(found.metrics.mae).toBeCloseTo(errors.reduce((sum, error) => sum + Math.abs(error), 0) / 60, 5);
    expect(found.metrics.r2).toBeCloseTo(1 - squared / spread, 5);
  });
  it("is the same run whatever form the data have", async () => {
    const rows = Array.from({ length: 60 }, (_, n) => [...X.subarray(3 * n, 3 * n + 3)]);
    const column = { shape: [60, 1], data: sums };
    const array = disposeLater(NDArray.from(X, [60, 3]));
    const forms: ExampleFields[] = [
      { x, y: sums },
      { x: rows, y: [...sums] },
      { x: new Tensor(array), y: column },
      { inputs: [array], y: column },
      { x: { shape: [60, 3], data: Float64Array.from(X) }, y: Float64Array.from(sums) },
      exampleDataset({ x, y: sums }) as unknown as ExampleFields,
    ];
    const digests = [];
    for (const form of forms) digests.push((await run(form, { loss: "mse" })).digest);
    expect(new Set(digests).size).toBe(1);
    expect((await run({ x, y: sums }, { loss: new MSELoss() })).digest).toBe(digests[0]);
    const own = (output: Tensor, target: Tensor): Tensor => mse(output.reshape([output.size]), target);
    expect((await run({ x, y: sums }, { loss: own })).digest).toBe(digests[0]);
    expect((await run({ x, y: sums }, { loss: "l1" })).digest).not.toBe(digests[0]);
    expect((await run({ x, y: sums }, { loss: "mse", seed: 2 })).digest).not.toBe(digests[0]);
  });
  it("takes class numbers for cross entropy by itself, and refuses to guess for others", async () => {
    const { result, net } = await run({ x, y: signs }, { epochs: 30, metrics: ["accuracy", "f1", "top5"] }, 2);
    expect(result.metrics[29].metrics.accuracy).toBeGreaterThan(0.9);
    expect(result.metrics[29].metrics.f1).toBeGreaterThan(0.9);
    expect(result.metrics[29].metrics.top5).toBe(1);
    expect(
      (await evaluate(net, { x, y: signs }, { loss: new CrossEntropyLoss({ classWeights: [1, 2] }) })).loss,
    ).toBeGreaterThan(0);
    await expect(run({ x, y: sums })).rejects.toThrow(/fit: bad loss; expected a loss for these targets/);
    await expect(run({ x, y: sums }, { loss: "crossEntropy" }, 2)).rejects.toThrow(/target 0 is no class number/);
    await expect(run({ x, y: sums }, { loss: "mean" as "mse" })).rejects.toThrow(ArgumentError);
    await expect(run({ x, y: sums }, { loss: "mse" }, 2)).rejects.toThrow(ShapeError);
  });
  it("weights count examples as often as they say", async () => {
    const twice = exampleSubset(exampleDataset({ x, y: sums }), [...Array(60).keys(), ...Array(10).keys()]);
    const weights = Float32Array.from({ length: 60 }, (_, n) => (n < 10 ? 2 : 1));
    const { net } = setUp();
    for (const loss of ["mse", new HuberLoss({ delta: 0.3 }), "l1"] as const) {
      const weighted = await evaluate(net, { x, y: sums, weights }, { loss, batch: 60 });
      expect(weighted.loss).toBeCloseTo((await evaluate(net, twice, { loss, batch: 70 })).loss, 5);
    }
    const half = Float32Array.from({ length: 60 }, (_, n) => (n < 30 ? 1 : 0));
    const some = exampleSubset(exampleDataset({ x, y: sums }), [...Array(30).keys()]);
    expect((await evaluate(net, { x, y: sums, weights: half }, { loss: "mse", batch: 20 })).loss).toBeCloseTo(
      (await evaluate(net, some, { loss: "mse" })).loss,
      5,
    );
    const scalar = (output: Tensor): Tensor => output.mean();
    await expect(run({ x, y: sums, weights }, { loss: scalar })).rejects.toThrow(/one number cannot be weighted/);
  });
  it("gives several inputs to a network that takes them", async () => {
    class Two extends Module {
      a = new Linear(2, 4);
      b = new Linear(1, 4);
      out = new Linear(4, 1);
      forward(left: Tensor, right?: Tensor): Tensor {
        return this.out.forward(this.a.forward(left).add(this.b.forward(right as Tensor)));
      }
    }
    manualSeed(1);
    const net = disposeLater(new Two());
    const left = { shape: [60, 2], data: Float32Array.from({ length: 120 }, (_, i) => X[3 * (i >> 1) + (i & 1)]) };
    const right = { shape: [60, 1], data: Float32Array.from({ length: 60 }, (_, n) => X[3 * n + 2]) };
    const optimizer = disposeLater(new Adam(net.parameters(), { lr: 0.05 }));
    const data = { inputs: [left, right], y: sums };
    const { metrics } = await fitNet(net, data, { epochs: 30, optimizer, loss: "mse", metrics: ["r2"] });
    expect(metrics[29].metrics.r2).toBeGreaterThan(0.95);
    expect((await predict(net, { inputs: [left, right] })).shape).toEqual([60, 1]);
  });
  it("reads batches of your own, in every epoch anew", async () => {
    const batches = [0, 1, 2, 3].map((k) => ({
      x: { shape: [15, 3], data: X.subarray(45 * k, 45 * k + 45) },
      y: sums.subarray(15 * k, 15 * k + 15),
    }));
    const digests = [];
    async function* late() {
      for (const batch of batches) yield batch;
    }
    for (const source of [
      batchSource(batches),
      batchSource(() => batches, { batches: 4 }),
      batchSource(late, { batches: 4 }),
    ]) {
      const { net, optimizer } = setUp();
      await fitNet(net, source, { epochs: 2, optimizer, loss: "mse" });
      digests.push(weightsDigest(net));
    }
    expect(new Set(digests).size).toBe(1);
    const once = late();
    const { net, optimizer } = setUp();
    await expect(
      fitNet(
        net,
        batchSource(() => once, { batches: 4 }),
        { epochs: 2, optimizer, loss: "mse" },
      ),
    ).rejects.toThrow(/batches: epoch 2 ended early; expected 4 batches, got 0; a generator is used up/);
    await expect(
      fitNet(
        net,
        batchSource(() => batches, { batches: 9 }),
        { epochs: 1, optimizer, loss: "mse" },
      ),
    ).rejects.toThrow(DataError);
    expect(() => batchSource(() => batches)).toThrow(/how many an epoch has/);
    expect(() => batchSource([])).toThrow(ArgumentError);
  });
  it("goes on from a checkpoint with the same bits", async () => {
    const checkpoints: Uint8Array[] = [];
    const keep = { loss: "mse", epochs: 4, onCheckpoint: (bytes: Uint8Array) => void checkpoints.push(bytes) } as const;
    const whole = await run({ x, y: sums }, keep);
    const rest = await run({ x, y: sums }, { loss: "mse", epochs: 4, resume: loadCheckpoint(checkpoints[1]) });
    expect(rest.result.metrics.map(({ epoch }) => epoch)).toEqual([3, 4]);
    expect(rest.digest).toBe(whole.digest);
  });
  it("tells progress, and keeps memory level", async () => {
    const seen: object[] = [];
    await run(
      { x, y: sums },
      { epochs: 1, loss: "mse", metrics: ["mae"], onProgress: (progress) => void seen.push(progress) },
    );
    expect(seen).toHaveLength(4);
    expect(seen[3]).toMatchObject({ epoch: 1, step: 4, steps: 4, metrics: { mae: expect.any(Number) } });
  });
  it("takes metrics of your own", async () => {
    const largest = (output: { data: ArrayLike<number> }): number => Math.max(...Array.from(output.data));
    const count = {
      name: "count",
      start: () => {
        let n = 0;
        return {
          add: ({ shape }: { shape: readonly number[] }) => {
            n += shape[0];
          },
          value: () => n,
        };
      },
    };
    const { net } = setUp();
    const { metrics } = await evaluate(net, { x, y: sums }, { loss: "mse", metrics: [largest, count], batch: 60 });
    expect(metrics.count).toBe(60);
    expect(metrics.largest).toBe(Math.max(...(await predict(net, x)).data));
    const words = (): number => "much" as never;
    await expect(evaluate(net, { x, y: sums }, { loss: "mse", metrics: [words] })).rejects.toThrow(
      /metrics: bad words; expected a number, got "much"/,
    );
    await expect(evaluate(net, { x, y: sums }, { loss: "mse", metrics: ["mse", "mse"] })).rejects.toThrow(
      /names that differ/,
    );
    await expect(evaluate(net, { x, y: sums }, { loss: "mse", metrics: ["rmse" as "mse"] })).rejects.toThrow(
      /accuracy, top5, f1, mse, mae, r2/,
    );
  });
});

describe("callbacks", () => {
  const figures = [3, 2, 2.5, 1.9, 2, 2, 2];
  /** A network of one number, whose loss in each epoch is given. */
  async function scripted(callbacks: TaskOptions["callbacks"]) {
    const net = disposeLater(new Linear(1, 1));
    const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0 }));
    let epoch = 0;
    const loss = (output: Tensor): Tensor => output.mul(0).sum().add(figures[epoch]);
    const data = { x: { shape: [2, 1], data: Float32Array.of(1, 2) }, y: Float32Array.of(0, 0) };
    const mark = { onEpoch: () => void net.weight.set([++epoch]) };
    const { metrics } = await fitNet(net, data, {
      epochs: 7,
      optimizer,
      loss,
      callbacks: [mark, ...(callbacks ?? [])],
    });
    return { epochs: metrics.length, weight: net.weight.item() };
  }
  it("earlyStop ends after epochs without an improvement, and starts anew in the next run", async () => {
    const stop = earlyStop({ patience: 2 });
    expect((await scripted([stop])).epochs).toBe(6);
    expect((await scripted([stop])).epochs).toBe(6);
    expect((await scripted([earlyStop({ patience: 1 })])).epochs).toBe(3);
    expect((await scripted([earlyStop({ patience: 2, minDelta: 0.5 })])).epochs).toBe(4);
    expect((await scripted([earlyStop({ patience: 3, mode: "max" })])).epochs).toBe(4);
  });
  it("best puts the best epoch's weights back", async () => {
    const keeper = best();
    expect(await scripted([keeper])).toEqual({ epochs: 7, weight: 4 });
    expect(keeper.epoch).toBe(4);
    expect((await scripted([best({ mode: "max" })])).weight).toBe(1);
    expect(await scripted([best(), earlyStop({ patience: 1 })])).toEqual({ epochs: 3, weight: 2 });
  });
  it("are refused if nothing would ever call them, or what is called is no function", async () => {
    for (const bad of [{}, { onepoch: () => {} }, { onEpoch: 3 }, null, () => {}]) {
      await expect(scripted([bad as never])).rejects.toThrow(/fit: bad callbacks; .*functions onStart, onEpoch, onEnd/);
    }
    expect((await scripted([{ onEnd: () => {} }])).epochs).toBe(7);
  });
  it("refuse figures that no epoch has, naming those there are", async () => {
    await expect(scripted([best({ monitor: "valLoss" })])).rejects.toThrow(
      /best: bad monitor; expected a figure of the epoch: epoch, loss, /,
    );
    expect(() => earlyStop({ patience: 0 })).toThrow(ArgumentError);
    expect(() => earlyStop({ wait: 3 } as never)).toThrow(/unknown option/);
  });
});

describe("what is no data", () => {
  it.each([
    [{ x, y: sums.subarray(1) }, /targets of another number of examples; expected 60, got \[59\]/],
    [{ y: sums }, /bad inputs; expected x, or inputs/],
    [{ x, inputs: [x], y: sums }, /bad inputs.*got "both"/],
    [{ x: { shape: [60, 4], data: X }, y: sums }, /bad x; expected 240 numbers for \[60,4\], got 180/],
    [{ x: "table.csv", y: sums }, /bad x; expected a tensor/],
    [{ x: [[1, 2], [3]], y: [1, 2] }, /bad x/],
    [{ x, y: sums, weights: [1, 2] }, /bad weights; expected a list of 60/],
    [{ x, y: sums, weights: new Float32Array(60) }, /bad weights; expected one above 0/],
    [{ x, y: sums, labels: sums }, /unknown option.*labels/],
    [{ x: { shape: [60, 3], data: X, step: 1 }, y: sums }, /only bytes are codes/],
    [{ x: { shape: [0, 3], data: new Float32Array(0) }, y: [] as number[] }, /at least one/],
  ])("%#", async (fields, message) => {
    await expect(run(fields as ExampleFields, { loss: "mse" })).rejects.toThrow(message);
  });
  it("shares for validation leave examples on both sides", async () => {
    await expect(run({ x, y: sums }, { loss: "mse", validation: 0.001 })).rejects.toThrow(
      /leaves examples on both sides of 60/,
    );
    await expect(run({ x, y: sums }, { loss: "mse", validation: 2 })).rejects.toThrow(/a number in \[0, 1\]/);
    scope(() => expect(() => exampleSubset(exampleDataset({ x, y: sums }), [60])).toThrow(/index out of range/));
  });
});
