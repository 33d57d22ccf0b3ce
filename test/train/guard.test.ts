/**
 * @file What training refuses before a step, stops at, or warns of: rates, overflow, hopeless losses, stale optimizers,
 * silence, frozen layers.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { manualSeed } from "../../src/autograd/random.js";
import { ArgumentError, DivergenceError, StateError } from "../../src/core/errors.js";
import { digits } from "../../src/data/digits.js";
import { BatchNorm1d, Flatten, Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { Staircase } from "../../src/quant/staircase.js";
import { weightsDigest } from "../../src/train/digest.js";
import { type FitOptions, fit as fitNet } from "../../src/train/fit.js";
import { LossGuard } from "../../src/train/guard.js";
import { disposeLater } from "../leaks.js";

const { train } = digits({ train: 200, test: 0 });
let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  vi.spyOn(console, "warn").mockImplementation((text: string) => void warnings.push(text));
});
afterEach(() => {
  vi.restoreAllMocks();
});

function setUp(norm = new BatchNorm1d(8)): { net: Sequential; norm: BatchNorm1d; linear: Linear } {
  manualSeed(2);
  const linear = new Linear(784, 8);
  const net = disposeLater(new Sequential(new Flatten(), linear, norm, new ReLU(), new Linear(8, 10)));
  return { net, norm, linear };
}
const go = (net: Module, options: Partial<FitOptions> & { lr?: number } = {}) => {
  const { lr = 0.01, ...rest } = options;
  const optimizer = disposeLater(new SGD(net.parameters(), { lr }));
  return fitNet(net, train, { epochs: 2, batch: 50, optimizer, ...rest });
};

describe("numbers", () => {
  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, undefined, "1"])(
    "a schedule that returns %s is refused before the step",
    async (factor) => {
      const { net } = setUp();
      const before = weightsDigest(net);
      const running = go(net, { schedule: () => factor as number });
      await expect(running).rejects.toThrow(ArgumentError);
      await expect(running).rejects.toThrow(/factor of the learning rate at step 0; expected a finite number ≥ 0/);
      expect(weightsDigest(net)).toBe(before);
    },
  );
  it("a step that overflows a running variance diverges, named, before it is saved", async () => {
    const { net, linear, norm } = setUp();
    const saved = vi.fn();
    const keep = linear.weight.data.toTypedArray();
    const running = go(net, {
      onCheckpoint: saved,
      // Finite weights whose products have a variance beyond f32; one step later all is well again.
      beforeStep: ({ step }) => linear.weight.set(step === 2 ? keep.map((w) => 1e25 * w) : keep),
    });
    await expect(running).rejects.toThrow(DivergenceError);
    await expect(running).rejects.toThrow(/in epoch 1, step 3; .*NaN or infinite in 2\.running_var/);
    expect(norm.runningVar.data.toTypedArray().some((v) => !Number.isFinite(v))).toBe(true);
    expect(saved).not.toHaveBeenCalled();
    // Nor does another run go on with such a network.
    linear.weight.set(keep);
    await expect(go(net)).rejects.toThrow(StateError);
    await expect(go(net)).rejects.toThrow(/broken before its first step; .*2\.running_var/);
  });
  it("a rate of 1e10 is divergence in the first epoch, though every loss is finite", async () => {
    manualSeed(2);
    const net = disposeLater(new Sequential(new Flatten(), new Linear(784, 8), new ReLU(), new Linear(8, 10)));
    const saved = vi.fn();
    const running = go(net, { lr: 1e10, batch: 20, onCheckpoint: saved });
    await expect(running).rejects.toThrow(DivergenceError);
    await expect(running).rejects.toThrow(
      /epoch 1, .*1000 times the first or that of guessing.*no checkpoint is good.*--init/,
    );
    expect(saved).not.toHaveBeenCalled();
  });
  it("losses may start high, and may have peaks", () => {
    const high = new LossGuard(10);
    for (let step = 0; step < 100; step++) high.check(1e6, 10, 1, "here");
    const peaks = new LossGuard(10);
    for (let step = 0; step < 100; step++) peaks.check(step % 5 === 0 ? 2 : 1e9, 10, 1, "here");
    const lost = new LossGuard(10);
    lost.check(2, 10, 1, "here");
    for (let step = 0; step < 4; step++) lost.check(2400, 10, 3, "here");
    expect(() => lost.check(2400, 10, 3, "here")).toThrow(
      /expected a loss below 2\.30e\+3.*checkpoints up to that of epoch 2/,
    );
  });
});

describe("silence", () => {
  it("parameters that no gradient reaches are named once, and in the metrics", async () => {
    const { net } = setUp();
    prepare(net, { weights: 1, activations: 4 });
    const staircase = net.modules().find((module) => module instanceof Staircase) as Staircase;
    const { metrics } = await go(net, {
      beforeStep: () => net[2] instanceof BatchNorm1d && net[2].bias.set(new Float32Array(8).fill(-1e6)),
    });
    for (const row of metrics) {
      expect(row.withoutGradient).toContain("1.weight");
      expect(row.zeroShare).toEqual({ 3: 1 });
    }
    expect(staircase.alpha.item()).toBeGreaterThan(0);
    const told = warnings.filter((text) => /no gradient reached 1\.weight.*all codes of 3 were 0/.test(text));
    expect(told.length).toBe(1);
  });
  it("is not told of networks that train", async () => {
    const { net } = setUp();
    const { metrics } = await go(net);
    expect(metrics[0]).not.toHaveProperty("withoutGradient");
    expect(warnings).toEqual([]);
  });
});

describe("optimizers", () => {
  it("made before prepare(), or of disposed parameters, are refused", async () => {
    const { net } = setUp();
    const stale = disposeLater(new SGD(net.parameters(), { lr: 0.1 }));
    prepare(net, { weights: 1, activations: 4 });
    const before = weightsDigest(net);
    const running = fitNet(net, train, { epochs: 1, optimizer: stale });
    await expect(running).rejects.toThrow(StateError);
    await expect(running).rejects.toThrow(/steps parameters that the network does not have.*after prepare\(\)/);
    expect(weightsDigest(net)).toBe(before);
    const gone = setUp().net;
    const optimizer = disposeLater(new SGD(gone.parameters(), { lr: 0.1 }));
    gone.dispose();
    await expect(fitNet(gone, train, { epochs: 1, optimizer })).rejects.toThrow(StateError);
  });
  it("that leave trainable parameters out are told of; frozen ones are meant", async () => {
    const { net, linear } = setUp();
    const optimizer = disposeLater(new SGD(net.parameters().slice(2), { lr: 0.1 }));
    await fitNet(net, train, { epochs: 1, optimizer });
    expect(warnings).toEqual([expect.stringMatching(/does not step 1\.weight, 1\.bias;/)]);
    for (const parameter of linear.parameters()) parameter.requireGrad(false);
    await fitNet(net, train, { epochs: 1, optimizer });
    expect(warnings.length).toBe(1);
  });
  it("options by other names are refused with the nearest, and a missing optimizer is named", async () => {
    const { net } = setUp();
    await expect(go(net, { batchsize: 8, bach: 8 } as Partial<FitOptions>)).rejects.toThrow(/fit: unknown option/);
    await expect(go(net, { bach: 8 } as Partial<FitOptions>)).rejects.toThrow(/got bach; did you mean batch\?/);
    await expect(fitNet(net, train, { epochs: 1 } as FitOptions)).rejects.toThrow(/fit: bad optimizer/);
  });
});

describe("frozen batch norms", () => {
  class Frozen extends BatchNorm1d {
    override train(): this {
      return super.train(false);
    }
  }
  const means = (norm: BatchNorm1d) => [...norm.runningMean.data.toTypedArray()];
  it("stay frozen by eval() in beforeStep, once or at every step, and by their own train()", async () => {
    for (const freeze of [(step: number) => step >= 0, (step: number) => step === 0]) {
      const { net, norm } = setUp();
      await go(net, { validation: train, beforeStep: ({ step }) => void (freeze(step) && norm.eval()) });
      expect(means(norm)).toEqual(new Array(8).fill(0));
    }
    const own = setUp(new Frozen(8));
    await go(own.net, { validation: train });
    expect(means(own.norm)).toEqual(new Array(8).fill(0));
    const { net, norm } = setUp();
    await go(net, { onProgress: () => void net.eval() });
    expect(means(norm)).not.toEqual(new Array(8).fill(0));
    expect(norm.training).toBe(false);
  });
});
