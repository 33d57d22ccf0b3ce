/** @file Layers against plain loops, and initial values against their stated distributions. */
import { beforeEach, describe, expect, it } from "vitest";
import { noGrad } from "../../src/autograd/graph.js";
import { manualSeed } from "../../src/autograd/random.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { CoarsegradError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Identity, ReLU, Sigmoid, Softmax, Tanh } from "../../src/nn/activation.js";
import { BatchNorm1d, BatchNorm2d } from "../../src/nn/batch-norm.js";
import { Conv2d } from "../../src/nn/conv.js";
import { Dropout } from "../../src/nn/dropout.js";
import * as init from "../../src/nn/init.js";
import { Linear } from "../../src/nn/linear.js";
import { BinaryCrossEntropyLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss } from "../../src/nn/loss.js";
import type { Module } from "../../src/nn/module.js";
import { Normalize, normalizeInput } from "../../src/nn/normalize.js";
import { Buffer, Parameter } from "../../src/nn/parameter.js";
import { AvgPool2d, Flatten, GlobalAvgPool2d, MaxPool2d } from "../../src/nn/pool.js";
import { fromPyTorchFlatten } from "../../src/nn/pytorch.js";
import { Sequential } from "../../src/nn/sequential.js";
import { disposeLater } from "../leaks.js";

const SEED = 77;
beforeEach(() => manualSeed(SEED));

const f32 = Math.fround;
const of = (values: ArrayLike<number>, shape: readonly number[]) => new Tensor(NDArray.from(values, shape, "f32"));
const randoms = (n: number, rng = new Rng(SEED)) => Float32Array.from({ length: n }, () => rng.normal());
/** Runs a module without keeping its output's memory. */
const values = (module: Module, x: ArrayLike<number>, shape: readonly number[]) =>
  scope(() => {
    const y = module.forward(of(x, shape));
    return { values: Array.from(y.toTypedArray()), shape: [...y.shape] };
  });

describe("Linear", () => {
  it("computes x·Wᵀ + b", () => {
    const layer = disposeLater(new Linear(3, 2));
    layer.weight.set([1, 2, 3, -1, 0, 4]);
    layer.bias?.set([10, 20]);
    expect(values(layer, [1, 1, 1, 0, 2, -1], [2, 3])).toEqual({ values: [16, 23, 11, 16], shape: [2, 2] });
    expect(`${layer}`).toBe("Linear(3 → 2)");
  });
  it("may go without a bias", () => {
    const layer = disposeLater(new Linear(2, 2, { bias: false }));
    expect([...layer.stateDict().keys()]).toEqual(["weight"]);
    expect(`${layer}`).toBe("Linear(2 → 2, no bias)");
  });
  it("starts as PyTorch's: both within ±1/√in and spread evenly", () => {
    const layer = disposeLater(new Linear(400, 50));
    for (const parameter of layer.parameters()) {
      const drawn = Array.from(parameter.toTypedArray());
      const bound = 1 / Math.sqrt(400);
      const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
      const variance = drawn.reduce((sum, x) => sum + (x - mean) ** 2, 0) / drawn.length;
      expect(Math.max(...drawn.map(Math.abs))).toBeLessThanOrEqual(f32(bound));
      // Five standard errors of a uniform's mean, and of its second moment (variance of x² is 4/45 bound⁴).
      expect(Math.abs(mean)).toBeLessThan((5 * bound) / Math.sqrt(3 * drawn.length));
      expect(Math.abs(variance - bound ** 2 / 3)).toBeLessThan(
        (6 * bound ** 2 * Math.sqrt(4 / 45)) / Math.sqrt(drawn.length),
      );
    }
  });
  it("draws from the seed or the generator that it is given", () => {
    const make = (rng?: Rng) => Array.from(disposeLater(new Linear(5, 4, { rng })).weight.toTypedArray());
    const first = make();
    expect(make()).not.toEqual(first);
    manualSeed(SEED);
    expect(make()).toEqual(first);
    expect(make(new Rng(SEED))).toEqual(first);
  });
});

describe("Conv2d", () => {
  it("matches a plain loop with stride, padding, dilation and groups", () => {
    const layer = disposeLater(
      new Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [2, 1], dilation: [2, 1], groups: 2 }),
    );
    const x = randoms(2 * 7 * 5 * 4);
    const got = values(layer, x, [2, 7, 5, 4]);
    expect(got.shape).toEqual([2, 4, 6, 6]);
    const w = layer.weight.toTypedArray();
    const b = layer.bias?.toTypedArray() ?? [];
    let at = 0;
    for (let n = 0; n < 2; n++)
      for (let p = 0; p < 4; p++)
        for (let q = 0; q < 6; q++)
          for (let o = 0; o < 6; o++, at++) {
            let sum = b[o];
            for (let i = 0; i < 2; i++)
              for (let u = 0; u < 3; u++)
                for (let v = 0; v < 2; v++) {
                  const row = p * 2 + u * 2 - 2;
                  const col = q + v - 1;
                  if (row < 0 || row >= 7 || col < 0 || col >= 5) continue;
                  const channel = Math.floor(o / 3) * 2 + i;
                  sum += w[((o * 2 + i) * 3 + u) * 2 + v] * x[((n * 7 + row) * 5 + col) * 4 + channel];
                }
            expect(got.values[at]).toBeCloseTo(sum, 4);
          }
    expect(`${layer}`).toBe("Conv2d(4 → 6, 3×2, stride 2,1, padding 2,1, dilation 2,1, groups 2)");
  });
  it("keeps the extents with padding same", () => {
    const layer = disposeLater(new Conv2d(1, 2, 5, { padding: "same", bias: false }));
    expect(values(layer, randoms(36), [1, 6, 6, 1]).shape).toEqual([1, 6, 6, 2]);
    expect(Math.max(...layer.weight.toTypedArray().map(Math.abs))).toBeLessThanOrEqual(f32(1 / 5));
  });
  it("refuses groups that do not divide the channels", () => {
    expect(() => new Conv2d(3, 4, 1, { groups: 2 })).toThrow(
      /Conv2d: bad groups; expected a divisor of 3 and 4, got 2/,
    );
  });
});

describe("batch norm", () => {
  const x = randoms(12);
  const columns = [0, 1, 2].map((c) => [0, 1, 2, 3].map((r) => x[r * 3 + c]));
  const moments = columns.map((column) => {
    const mean = column.reduce((a, b) => a + b) / 4;
    return { mean, biased: column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4 };
  });

  it.each([
    ["1d", () => new BatchNorm1d(3), [4, 3]],
    ["2d", () => new BatchNorm2d(3), [1, 2, 2, 3]],
  ] as const)("%s normalizes by the batch and moves the running statistics as PyTorch does", (_, make, shape) => {
    const layer = disposeLater(make());
    layer.weight.set([1, 2, 0.5]);
    layer.bias.set([0, -1, 3]);
    const got = values(layer, x, shape).values;
    got.forEach((y, i) => {
      const { mean, biased } = moments[i % 3];
      const expected = ((x[i] - mean) / Math.sqrt(biased + 1e-5)) * [1, 2, 0.5][i % 3] + [0, -1, 3][i % 3];
      expect(y).toBeCloseTo(expected, 5);
    });
    const again = () => values(layer, x, shape);
    again();
    moments.forEach(({ mean, biased }, c) => {
      expect(layer.runningMean.data.view()[c]).toBeCloseTo(0.1 * mean + 0.9 * 0.1 * mean, 6);
      const unbiased = (biased * 4) / 3;
      expect(layer.runningVar.data.view()[c]).toBeCloseTo(0.9 * (0.9 + 0.1 * unbiased) + 0.1 * unbiased, 6);
    });
  });
  it("in evaluation rounds as the packed runtime does, bit for bit", () => {
    const layer = disposeLater(new BatchNorm1d(3));
    const [gamma, beta, mean] = [randoms(3, new Rng(1)), randoms(3, new Rng(2)), randoms(3, new Rng(3))];
    const variance = randoms(3, new Rng(4)).map((v) => v * v);
    layer.loadStateDict({
      weight: { shape: [3], data: gamma },
      bias: { shape: [3], data: beta },
      running_mean: { shape: [3], data: mean },
      running_var: { shape: [3], data: variance },
    });
    layer.eval();
    const expected = Array.from(x, (value, i) => {
      const c = i % 3;
      const invStd = f32(1 / f32(Math.sqrt(f32(variance[c] + f32(1e-5)))));
      const scale = f32(gamma[c] * invStd);
      const shift = f32(beta[c] - f32(mean[c] * scale));
      return f32(f32(value * scale) + shift);
    });
    expect(values(layer, x, [4, 3]).values).toEqual(expected);
    expect(Array.from(layer.runningMean.data.toTypedArray())).toEqual(Array.from(mean));
  });
  it("has its gradients: Σ over the batch of normalized outputs is constant", () => {
    const layer = disposeLater(new BatchNorm1d(3));
    scope(() => {
      const input = of(x, [4, 3]).requireGrad();
      layer.forward(input).sum().backward();
      for (const g of input.grad?.toTypedArray() ?? [1]) expect(Math.abs(g)).toBeLessThan(1e-5);
    });
    expect(layer.bias.grad?.toArray()).toEqual([4, 4, 4]);
  });
  it("refuses single values in training, and other ranks", () => {
    const layer = disposeLater(new BatchNorm1d(3));
    expect(() => values(layer, [1, 2, 3], [1, 3])).toThrow(/batchNorm: one value per channel in training/);
    expect(() => values(layer, x, [1, 2, 2, 3])).toThrow(
      /BatchNorm1d: input rank; expected rows \[N,3\] or sequences \[N,T,3\], got \[1,2,2,3\]/,
    );
    expect(() => new BatchNorm2d(3, { eps: 0 })).toThrow(/BatchNorm2d: bad eps; expected a finite number > 0, got 0/);
  });
});

describe("Dropout", () => {
  it("drops about p, scales the rest, and passes everything on in evaluation", () => {
    const layer = new Dropout(0.25);
    const ones = new Float32Array(40_000).fill(1);
    const got = values(layer, ones, [40_000]).values;
    const dropped = got.filter((y) => y === 0).length;
    // Five standard deviations of a binomial.
    expect(Math.abs(dropped - 10_000)).toBeLessThan(5 * Math.sqrt(40_000 * 0.25 * 0.75));
    expect(new Set(got)).toEqual(new Set([0, f32(1 / 0.75)]));
    layer.eval();
    expect(values(layer, ones, [40_000]).values).toEqual(Array.from(ones));
  });
  it("has a stream of its own that can be put back", () => {
    const [a, b] = [new Dropout(), new Dropout()];
    const ones = new Float32Array(64).fill(1);
    const start = a.rng.state();
    const first = values(a, ones, [64]).values;
    expect(values(b, ones, [64]).values).not.toEqual(first);
    expect(values(a, ones, [64]).values).not.toEqual(first);
    a.loadRngs(new Map([["rng", start]]));
    expect(values(a, ones, [64]).values).toEqual(first);
  });
  it("refuses probabilities outside [0, 1)", () => {
    expect(() => new Dropout(1)).toThrow(/Dropout: bad probability; expected a number in \[0, 1\), got 1/);
  });
});

describe("small layers", () => {
  const image = Float32Array.from({ length: 16 }, (_, i) => i);
  it("pool", () => {
    expect(values(new MaxPool2d(2), image, [1, 4, 4, 1]).values).toEqual([5, 7, 13, 15]);
    expect(values(new MaxPool2d(3, { stride: 2, padding: 1 }), image, [1, 4, 4, 1]).values).toEqual([5, 7, 13, 15]);
    expect(values(new AvgPool2d(2), image, [1, 4, 4, 1]).values).toEqual([2.5, 4.5, 10.5, 12.5]);
    expect(values(new AvgPool2d(2, { stride: 4, padding: 1 }), image, [1, 4, 4, 1]).values[0]).toBe(0);
    expect(
      values(new AvgPool2d(2, { padding: 1, countIncludePad: false }), image, [1, 4, 4, 1]).values.slice(0, 2),
    ).toEqual([0, 1.5]);
    expect(values(new GlobalAvgPool2d(), image, [1, 4, 2, 2])).toEqual({ values: [7, 8], shape: [1, 2] });
    expect(`${new MaxPool2d(3, { stride: 2 })} ${new MaxPool2d([2, 1])}`).toBe("MaxPool2d(3, stride 2) MaxPool2d(2×1)");
    const dilated = new MaxPool2d(2, { stride: 1, dilation: [3, 2] });
    expect(values(dilated, image, [1, 4, 4, 1])).toEqual({ values: [14, 15], shape: [1, 1, 2, 1] });
    const up = new AvgPool2d(3, { ceilMode: true });
    expect(values(up, image, [1, 4, 4, 1])).toEqual({ values: [5, 7, 13, 15], shape: [1, 2, 2, 1] });
    expect(`${dilated} ${up}`).toBe("MaxPool2d(2, stride 1, dilation 3,2) AvgPool2d(3, ceil mode)");
  });
  it("keep codes through pooling and flattening", () => {
    scope(() => {
      const x = new Tensor(NDArray.from([3, 1, 0, 2], [1, 2, 2, 1], "u8", 0.5));
      const y = new Flatten().forward(new MaxPool2d(2).forward(x));
      expect([y.data.dtype, y.data.step, y.toArray()]).toEqual(["u8", 0.5, [[1.5]]]);
    });
  });
  it("activate", () => {
    expect(values(new ReLU(), [-1, 0, 2], [3]).values).toEqual([0, 0, 2]);
    expect(values(new Identity(), [-1, 0, 2], [3]).values).toEqual([-1, 0, 2]);
    expect(values(new Tanh(), [0.5], [1]).values[0]).toBeCloseTo(Math.tanh(0.5), 6);
    expect(values(new Sigmoid(), [0.5], [1]).values[0]).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 6);
    expect(values(new Softmax(), [0, Math.log(3)], [1, 2]).values[1]).toBeCloseTo(0.75, 6);
  });
  it("normalize images by constants that are not saved", () => {
    const layer = disposeLater(new Normalize([0.5, 0], [0.25, 2]));
    expect(values(layer, [1, 1, 0, 4], [2, 2]).values).toEqual([2, 0.5, -2, 2]);
    expect(layer.stateDict().size).toBe(0);
    expect(() => new Normalize([1], [0])).toThrow(/Normalize: bad constants/);
    for (const shape of [[1, 2, 2, 1], [4, 3], []]) {
      const count = shape.reduce((a, b) => a * b, 1);
      const other = disposeLater(new Tensor(NDArray.from(Array<number>(count).fill(0), shape)));
      expect(() => layer.forward(other)).toThrow(/Normalize: channel mismatch; expected \[…, 2\], a channel for each/);
    }
  });
  it("normalize a whole network's input, in place: keys stay, and padding is the mean colour", () => {
    const constants = { mean: [0.5], std: [0.25] };
    const plain = disposeLater(new Sequential(new Conv2d(1, 1, 3, { padding: 1, bias: false })));
    const net = normalizeInput(
      disposeLater(new Sequential(new Conv2d(1, 1, 3, { padding: 1, bias: false }))),
      constants,
    );
    expect([...net.stateDict().keys()]).toEqual([...plain.stateDict().keys()]);
    net.loadStateDict(plain.stateDict());
    scope(() => {
      const ones = new Tensor(NDArray.full([1, 2, 2, 1], 0.75));
      const mean = new Tensor(NDArray.full([1, 2, 2, 1], 0.5));
      // (0.75 − 0.5)/0.25 = 1 everywhere, and zeros around it.
      const unit = new Tensor(NDArray.full([1, 2, 2, 1], 1));
      expect(net.forward(ones).toTypedArray()).toEqual(plain.forward(unit).toTypedArray());
      expect(Array.from(net.forward(mean).toTypedArray())).toEqual([0, 0, 0, 0]);
    });
    expect(net.toString()).toMatch(/\(preprocess\): Normalize\(mean 0.5, std 0.25\)/);
    expect(() => normalizeInput(net, constants)).toThrow(/normalizeInput: the network has a preprocess already/);
  });
  it("follow one another, with PyTorch's keys, and can be exchanged", () => {
    const net = disposeLater(new Sequential(new Linear(2, 2), new ReLU(), new Linear(2, 1, { bias: false })));
    expect([...net.stateDict().keys()]).toEqual(["0.weight", "0.bias", "2.weight"]);
    (net[0] as Linear).weight.set([1, 0, 0, 1]);
    (net[0] as Linear).bias?.set([0, 0]);
    (net[2] as Linear).weight.set([1, 1]);
    expect(values(net, [-3, 2], [1, 2]).values).toEqual([2]);
    net[1] = new Identity();
    expect(values(net, [-3, 2], [1, 2]).values).toEqual([-1]);
    expect([net.length, `${net}`.split("\n")[1]]).toEqual([3, "  (0): Linear(2 → 2)"]);
  });
  const labelsOf = (...labels: number[]): Tensor => new Tensor(NDArray.from(labels, [labels.length], "i32"));

  it("losses hold their options", () => {
    scope(() => {
      // Unequal logits: equal ones have one loss whatever the smoothing.
      const logits = of([0, 2], [1, 2]);
      expect(new CrossEntropyLoss({ labelSmoothing: 0.2 }).forward(logits, labelsOf(1)).item()).toBeCloseTo(
        Math.log(1 + Math.exp(2)) - (0.8 * 2 + 0.2 * 1),
        6,
      );
      expect(
        new CrossEntropyLoss({ classWeights: [1, 3] }).forward(of([0, 2, 1, 0], [2, 2]), labelsOf(1, 0)).item(),
      ).toBeCloseTo((3 * Math.log(1 + Math.exp(-2)) + Math.log(1 + Math.exp(-1))) / 4, 6);
      const pair = [of([1, 2], [2]), of([0, 4], [2])] as const;
      expect(new MSELoss({ reduction: "sum" }).forward(...pair).item()).toBe(5);
      expect(new L1Loss({ reduction: "sum" }).forward(...pair).item()).toBe(3);
      expect(new HuberLoss({ reduction: "sum", delta: 0.5 }).forward(...pair).item()).toBe(0.5 * 0.75 + 0.5 * 1.75);
      expect(new BinaryCrossEntropyLoss({ positiveWeight: 2 }).forward(of([0], [1]), of([1], [1])).item()).toBeCloseTo(
        2 * Math.LN2,
        6,
      );
    });
  });
});

describe("memory and doors", () => {
  it("a batch norm outside scopes lets its batch statistics go", () => {
    const norm = disposeLater(new BatchNorm1d(2));
    const x = disposeLater(of([1, 2, 3, 4], [2, 2]));
    const before = memory().arrays;
    const y = noGrad(() => norm.forward(x));
    y.dispose();
    expect(memory().arrays).toBe(before);
  });
  it("layers refuse what they cannot be made of, and leave nothing alive", () => {
    const before = memory().arrays;
    const hostile = [undefined, null, Number.NaN, -1, 0, 1.5, 2 ** 53, "3", {}, []];
    for (const bad of hostile as never[]) {
      for (const make of [
        () => new Linear(bad, 2),
        () => new Linear(2, bad),
        () => new Conv2d(bad, 2, 3),
        () => new Conv2d(2, bad, 3),
        () => new Conv2d(2, 2, bad),
        () => new BatchNorm1d(bad),
        () => new MaxPool2d(bad),
        () => new Parameter(bad),
        () => new Buffer(bad),
      ]) {
        expect(make).toThrow(CoarsegradError);
      }
    }
    expect(() => new Conv2d(4, 4, 3, { groups: 3 })).toThrow(/bad groups/);
    expect(() => new Conv2d(4, 4, 3, { padding: "full" as never })).toThrow(/bad padding/);
    expect(() => new Linear(2, 2, { Bias: false } as never)).toThrow(/did you mean bias/);
    const gone = NDArray.zeros([2]);
    gone.dispose();
    expect(() => new Parameter(gone)).toThrow(/disposed/);
    expect(memory().arrays).toBe(before);
  });
});

describe("initial values", () => {
  const parameter = (shape: number[]) => disposeLater(new Parameter(NDArray.zeros(shape)));
  it("fans", () => {
    expect(init.fans([6, 4])).toEqual({ in: 4, out: 6 });
    expect(init.fans([6, 4, 3, 2])).toEqual({ in: 24, out: 36 });
    expect(() => init.fans([3])).toThrow(/init: no fan/);
  });
  it("gains", () => {
    expect([init.gain("linear"), init.gain("relu"), init.gain("tanh"), init.gain("sigmoid")]).toEqual([
      1,
      Math.SQRT2,
      5 / 3,
      1,
    ]);
    expect(init.gain("leaky_relu", Math.sqrt(5))).toBeCloseTo(Math.sqrt(1 / 3), 15);
  });
  it.each([
    ["kaimingUniform", init.kaimingUniform, { nonlinearity: "relu" }, Math.sqrt(2 / 24)],
    ["kaimingUniform out", init.kaimingUniform, { nonlinearity: "relu", fan: "out" }, Math.sqrt(2 / 720)],
    ["kaimingNormal", init.kaimingNormal, { nonlinearity: "tanh" }, 5 / 3 / Math.sqrt(24)],
    ["xavierUniform", init.xavierUniform, {}, Math.sqrt(2 / (24 + 720))],
    ["xavierNormal", init.xavierNormal, { gain: 3 }, 3 * Math.sqrt(2 / (24 + 720))],
  ] as const)("%s has its standard deviation", (name, fill, options, std) => {
    const target = parameter([120, 4, 3, 2]);
    const drawn = Array.from(fill(target, { ...options, rng: new Rng(SEED) } as never).toTypedArray());
    const second = drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length;
    // Variance of x² is 2σ⁴ for a normal and 0.8σ⁴ for a uniform; six standard errors.
    expect(Math.abs(second / std ** 2 - 1)).toBeLessThan(6 * Math.sqrt(2 / drawn.length));
    const largest = Math.max(...drawn.map(Math.abs)) / std;
    if (name.includes("Uniform")) expect(largest).toBeLessThanOrEqual(Math.sqrt(3) * (1 + 1e-6));
    else expect(largest).toBeGreaterThan(2.5);
    expect(target.version).toBe(1);
  });
  it("constants", () => {
    expect(init.constant(parameter([2]), 3).toArray()).toEqual([3, 3]);
  });
});

describe("weights from PyTorch", () => {
  it("a linear layer after a flatten sees the same pixels", () => {
    // An image of 2 channels, 2 rows, 3 columns; PyTorch flattens channels first.
    const pixel = (c: number, y: number, x: number) => 100 * c + 10 * y + x;
    const theirs: number[] = [];
    for (const c of [0, 1]) for (const y of [0, 1]) for (const x of [0, 1, 2]) theirs.push(pixel(c, y, x));
    const ours: number[] = [];
    for (const y of [0, 1]) for (const x of [0, 1, 2]) for (const c of [0, 1]) ours.push(pixel(c, y, x));
    const image = { channels: 2, height: 2, width: 3 };
    const source = { shape: [2, 12], data: Float32Array.from([...theirs, ...theirs.map((v) => v + 1000)]) };
    expect(Array.from(fromPyTorchFlatten(source, image).data as Float32Array)).toEqual([
      ...ours,
      ...ours.map((v) => v + 1000),
    ]);
    expect(() => fromPyTorchFlatten(source, { ...image, width: 4 })).toThrow(/expected \[O,16\], got \[2,12\]/);
  });
});
