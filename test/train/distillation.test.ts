/** @file Students and teachers: the loss, what a step is made of, shards, resuming, and what is refused. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/index.js";
import { pack } from "../../src/export/index.js";
import { manualSeed, scope, type Tensor, tensor } from "../../src/index.js";
import { createSession } from "../../src/infer/index.js";
import { lenet5 } from "../../src/models/index.js";
import {
  BatchNorm1d,
  crossEntropy,
  distillationLoss,
  Flatten,
  featureAffinityLoss,
  Linear,
  Module,
  ReLU,
  Sequential,
} from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/index.js";
import {
  distillation,
  evaluate,
  fit as fitNet,
  imageTensor,
  labelTensor,
  loadCheckpoint,
  type TaskMetrics,
  weightsDigest,
} from "../../src/train/index.js";
import { withOutputs } from "../../src/train/module-outputs.js";
import { disposeLater } from "../leaks.js";

const { train } = digits({ train: 64, test: 0 });
const teacherNet = (classes = 10) => disposeLater(lenet5({ rng: new Rng("teacher"), classes }));

/** Nothing moves: losses are those of the network as it starts. */
const FROZEN = { schedule: () => 0 };

/** One run of a student on the digits. */
async function student(options: object = {}, epochs = 1) {
  manualSeed(4);
  const net = lenet5({ rng: new Rng("student") });
  const optimizer = new SGD(net.parameters(), { lr: 0.02, momentum: 0.9 });
  try {
    const result = await fitNet(net, train, { epochs, batch: 32, optimizer, ...options });
    return { ...result, digest: weightsDigest(net) };
  } finally {
    optimizer.dispose();
    net.dispose();
  }
}

describe("distillation", () => {
  it("is (1 − w)·cross-entropy + w·T²·KL of the batch", async () => {
    const net = teacherNet();
    const loss = distillation(net, { temperature: 3, weight: 0.25 });
    const { metrics } = await student({ loss, batch: 64, ...FROZEN });
    const [{ lossParts, loss: total }] = metrics;
    scope(() => {
      const x = imageTensor(train.images, [64, 28, 28, 1]);
      const own = disposeLater(lenet5({ rng: new Rng("student") })).forward(x);
      const labels = crossEntropy(own, labelTensor(Int32Array.from(train.labels))).item();
      const taught = distillationLoss(own, net.eval().forward(x), { temperature: 3 }).item();
      expect(lossParts?.labels).toBeCloseTo(labels, 5);
      expect(lossParts?.teacher).toBeCloseTo(taught, 4);
      expect(total).toBeCloseTo(0.75 * labels + 0.25 * taught, 4);
    });
  });

  it("leaves the teacher and its modes alone, and trains nothing else than without it at weight 0", async () => {
    const net = teacherNet();
    net.train();
    const before = weightsDigest(net);
    const [plain, weightless, taught] = [
      await student(),
      await student({ loss: distillation(net, { weight: 0 }) }),
      await student({ loss: distillation(net, { weight: 0.5 }) }),
    ];
    expect(weightless.digest).toBe(plain.digest);
    expect(taught.digest).not.toBe(plain.digest);
    expect(plain.metrics[0].lossParts).toBeUndefined();
    expect(weightsDigest(net)).toBe(before);
    expect(net.modules().every(({ training }) => training)).toBe(true);
  });

  it("brings a student closer to its teacher", async () => {
    const loss = distillation(teacherNet(), { weight: 1 });
    const { metrics } = await student({ loss }, 6);
    const parts = metrics.map(({ lossParts }) => lossParts?.teacher ?? Number.NaN);
    expect(parts[5]).toBeLessThan(0.5 * parts[0]);
    expect(metrics[5].loss).toBeCloseTo(parts[5], 6);
  });

  it("takes packed models and quantized networks", async () => {
    const net = teacherNet();
    using session = createSession(pack(net, { inputShape: [28, 28, 1] }));
    const [module, packed] = [
      await student({ loss: distillation(net, { weight: 0.5 }) }),
      await student({ loss: distillation(session, { weight: 0.5 }) }),
    ];
    // Other algorithms of convolution, other roundings.
    expect(packed.metrics[0].lossParts?.teacher).toBeCloseTo(module.metrics[0].lossParts?.teacher ?? 0, 3);
    prepare(net, { weights: 1, activations: 4 });
    using coded = createSession(pack(net, { inputShape: [28, 28, 1] }));
    const [simulated, integers] = [
      await student({ loss: distillation(net, { weight: 0.5 }) }),
      await student({ loss: distillation(coded, { weight: 0.5 }) }),
    ];
    expect(integers.digest).toBe(simulated.digest);
  });

  it("goes on from a checkpoint within an epoch with the same bits and figures", async () => {
    const loss = distillation(teacherNet(), { weight: 0.5 });
    const files: Uint8Array[] = [];
    const options = { loss, batch: 16, shards: 2, checkpointEvery: 3 };
    const whole = await student({ ...options, onStepCheckpoint: (bytes: Uint8Array) => void files.push(bytes) });
    expect(files).toHaveLength(1);
    const rest = await student({ ...options, resume: loadCheckpoint(files[0]) });
    expect(rest.digest).toBe(whole.digest);
    expect(rest.metrics[0].lossParts).toEqual(whole.metrics[0].lossParts);
    expect(rest.metrics[0].loss).toBe(whole.metrics[0].loss);
  });

  it("adds the terms of shards up to the loss", async () => {
    const loss = distillation(teacherNet(), { weight: 0.5 });
    const shared = (await student({ loss, shards: 4 })).metrics[0];
    const { labels = 0, teacher = 0 } = shared.lossParts ?? {};
    expect(0.5 * labels + 0.5 * teacher).toBeCloseTo(shared.loss, 5);
  });

  it("tells both terms after every step", async () => {
    const told: unknown[] = [];
    await student({
      loss: distillation(teacherNet()),
      onProgress: ({ lossParts }: { lossParts?: object }) => void told.push(Object.keys(lossParts ?? {})),
    });
    expect(told).toEqual([
      ["labels", "teacher"],
      ["labels", "teacher"],
    ]);
  });

  it("teaches on examples of any kind, by weights of examples", async () => {
    const rng = new Rng("rows");
    const x = { shape: [24, 5], data: Float32Array.from({ length: 120 }, () => rng.normal()) };
    const y = { shape: [24], data: Int32Array.from({ length: 24 }, (_, n) => n % 3) };
    const weights = Float32Array.from({ length: 24 }, (_, n) => n % 2);
    const make = () => {
      manualSeed(8);
      return new Sequential([new Linear(5, 8), new BatchNorm1d(8), new ReLU(), new Linear(8, 3)]);
    };
    const run = async (given: object): Promise<{ digest: string; metrics: TaskMetrics[] }> => {
      const teacher = disposeLater(make());
      manualSeed(9);
      const net = new Sequential([new Linear(5, 3)]);
      const optimizer = new SGD(net.parameters(), { lr: 0.1 });
      const loss = distillation(teacher, { weight: 0.5, temperature: 2 });
      const { metrics } = await fitNet(
        net,
        { x, y, ...given } as never,
        { epochs: 1, batch: 24, optimizer, loss } as never,
      );
      await expect(evaluate(net, { x, y }, { loss })).rejects.toThrow(/evaluate: bad loss.*teachers are for fit/);
      const digest = weightsDigest(net);
      optimizer.dispose();
      net.dispose();
      return { digest, metrics: metrics as never };
    };
    const [plain, weighted] = [await run({}), await run({ weights })];
    expect(weighted.digest).not.toBe(plain.digest);
    const half = { x: rowsOf(x), y: { shape: [12], data: y.data.filter((_, n) => n % 2 === 1) } };
    const alone = await run(half);
    expect(weighted.metrics[0].lossParts?.teacher).toBeCloseTo(alone.metrics[0].lossParts?.teacher ?? 0, 5);
    expect(weighted.metrics[0].lossParts?.labels).toBeCloseTo(alone.metrics[0].lossParts?.labels ?? 0, 5);

    function rowsOf({ data }: typeof x) {
      return { shape: [12, 5], data: data.filter((_, i) => Math.floor(i / 5) % 2 === 1) };
    }
  });

  it("compares features of layers too: + β·Σ of their affinities", async () => {
    const net = teacherNet();
    const layers = ["pool1", "pool2"];
    const loss = distillation(net, { weight: 0.25, features: layers, featureWeight: 3 });
    const { metrics } = await student({ loss, batch: 64, ...FROZEN });
    const [{ lossParts, loss: total }] = metrics;
    scope(() => {
      const x = imageTensor(train.images, [64, 28, 28, 1]);
      const own = disposeLater(lenet5({ rng: new Rng("student") }));
      const features = (of: typeof own) => withOutputs("test", of, layers, () => of.forward(x)).outputs;
      const [theirs, mine] = [features(net.eval()), features(own)];
      const affinity = layers.map((_, i) => featureAffinityLoss(mine[i], theirs[i]).item());
      expect(mine.map(({ shape }) => shape)).toEqual([
        [64, 12, 12, 32],
        [64, 4, 4, 64],
      ]);
      expect(lossParts?.features).toBeCloseTo(affinity[0] + affinity[1], 5);
      const { labels = 0, teacher = 0, features: part = 0 } = lossParts ?? {};
      expect(total).toBeCloseTo(0.75 * labels + 0.25 * teacher + 3 * part, 4);
    });
    expect(net.modules().some((module) => Object.hasOwn(module, "forward"))).toBe(false);
  });

  it("brings features closer to the teacher's, by shards and from a checkpoint within an epoch as well", async () => {
    const loss = distillation(teacherNet(), { features: ["pool1", "pool2"], featureWeight: 20 });
    const { metrics } = await student({ loss, batch: 64 }, 8);
    const parts = metrics.map(({ lossParts }) => lossParts?.features ?? Number.NaN);
    expect(parts[7]).toBeLessThan(0.8 * parts[0]);
    const files: Uint8Array[] = [];
    const options = { loss, batch: 16, shards: 2, checkpointEvery: 3 };
    const whole = await student({ ...options, onStepCheckpoint: (bytes: Uint8Array) => void files.push(bytes) });
    const rest = await student({ ...options, resume: loadCheckpoint(files[0]) });
    expect([rest.digest, rest.metrics[0].lossParts]).toEqual([whole.digest, whole.metrics[0].lossParts]);
    expect(Object.keys(whole.metrics[0].lossParts ?? {})).toEqual(["labels", "teacher", "features"]);
  });

  it("sees layers that take several inputs", () => {
    class Joined extends Module {
      forward(x: Tensor, y?: Tensor): Tensor {
        return y === undefined ? x : x.add(y);
      }
    }
    class Branches extends Module {
      readonly join = new Joined();
      forward(x: Tensor): Tensor {
        return (this.join.forward as (x: Tensor, y: Tensor) => Tensor)(x, x);
      }
    }
    scope(() => {
      const net = new Branches();
      const { result, outputs } = withOutputs("test", net, ["join"], () => net.forward(tensor([1, 2])));
      expect(outputs[0]).toBe(result);
      expect(Array.from(result.toTypedArray())).toEqual([2, 4]);
    });
  });

  it("refuses layers that are not there, that do not run by themselves, and features of packed models", async () => {
    const net = teacherNet();
    expect(() => distillation(net, { features: ["layer9"] })).toThrow(
      /distillation: features of the teacher: the network has no such layer; expected one of .*conv1.*got layer9/,
    );
    expect(() => distillation(net, { features: [""] })).toThrow(/the network has no such layer/);
    expect(() => distillation(net, { features: "pool1" as never })).toThrow(/distillation: bad features/);
    expect(() => distillation(net, { features: ["pool1"], featureWeight: -1 })).toThrow(/bad featureWeight/);
    using session = createSession(pack(net, { inputShape: [28, 28, 1] }));
    expect(() => distillation(session, { features: ["pool1"] })).toThrow(
      /features; expected a teacher that is not packed/,
    );
    class Idle extends Module {
      readonly used = lenet5();
      readonly idle = new ReLU();
      forward(x: Tensor): Tensor {
        return this.used.forward(x);
      }
    }
    const lazy = disposeLater(new Idle());
    const own = disposeLater(new Idle());
    const sgd = disposeLater(new SGD(own.parameters(), { lr: 0.1 }));
    const loss = distillation(lazy, { features: ["idle"] });
    await expect(fitNet(own, train, { epochs: 1, optimizer: sgd, loss })).rejects.toThrow(
      /features of the teacher: the layer does not run by itself.*got idle/,
    );
    const deeper = disposeLater(new Sequential([new Flatten(), new Linear(784, 10)]));
    await expect(student({ loss: distillation(deeper, { features: ["1"] }) })).rejects.toThrow(
      /features of the student: the network has no such layer.*got 1/,
    );
    expect(net.modules().some((module) => Object.hasOwn(module, "forward"))).toBe(false);
  });

  it("refuses what cannot teach, before anything changes", async () => {
    const net = teacherNet();
    expect(() => distillation(null as never)).toThrow(/distillation: bad teacher/);
    expect(() => distillation(net, { temperature: 0 })).toThrow(/bad temperature/);
    expect(() => distillation(net, { weight: 1.5 })).toThrow(/bad weight/);
    expect(() => distillation(net, { alpha: 1 } as never)).toThrow(/alpha/);
    await expect(student({ loss: distillation(teacherNet(7)) })).rejects.toThrow(
      /distillation: the teacher has other classes than the labels; expected outputs \[1,10\].*got \[1,7\]/,
    );
    const other = disposeLater(lenet5({ size: 32, channels: 3 }));
    await expect(student({ loss: distillation(other) })).rejects.toThrow(
      /distillation: the teacher takes other inputs.*conv2d: channel mismatch/,
    );
    using session = createSession(pack(other, { inputShape: [32, 32, 3] }));
    await expect(student({ loss: distillation(session) })).rejects.toThrow(/the teacher takes other inputs/);
    await expect(student({ loss: "mse" })).rejects.toThrow(/distillation\(teacher\)/);
    const own = disposeLater(lenet5());
    const optimizer = disposeLater(new SGD(own.parameters(), { lr: 0.1 }));
    await expect(fitNet(own, train, { epochs: 1, optimizer, loss: distillation(own) })).rejects.toThrow(
      /teacher.*a network of its own/,
    );
    scope(() => {
      const loss = distillation(net);
      expect(() => loss.soft(tensor([[1, 2]]), tensor([[1, 2, 3]]))).toThrow(/student's and the teacher's outputs/);
    });
  });
});
