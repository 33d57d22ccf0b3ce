/**
 * @file Every network of coarsegrad/models: prepared, trained for a step, packed, verified and run; and packed sizes.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, verify } from "../../src/export/index.js";
import { createSession } from "../../src/infer/index.js";
import { readSafetensors } from "../../src/io/safetensors.js";
import { memory } from "../../src/kernels/engine.js";
import { scope } from "../../src/memory/scope.js";
import {
  alexnet,
  dscnn,
  lenet5,
  mobilenetv1,
  mobilenetv2,
  resnet18,
  resnet20,
  resnet20b,
  resnet32,
  resnet44,
  resnet56,
  vgg11,
  vggsmall,
} from "../../src/models/index.js";
import { BatchNorm, crossEntropy } from "../../src/nn/index.js";
import type { Module } from "../../src/nn/module.js";
import { dataRoots, readFileBytes } from "../../src/node/index.js";
import { BCGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { imageTensor, labelTensor } from "../../src/train/input.js";
import { pixels, settle } from "./nets.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

/** One step of BCGD on random images. @returns the loss */
function trainStep(net: Module, images: Uint8Array, shape: readonly number[]): number {
  using optimizer = new BCGD(net.parameters(), { lr: 0.01, momentum: 0.9, rho: 1e-5 });
  return scope(() => {
    const labels = Int32Array.from({ length: shape[0] }, (_, i) => i % 2);
    const loss = crossEntropy(net.forward(imageTensor(images, shape)), labelTensor(labels));
    const value = loss.item();
    loss.backward();
    optimizer.step();
    return value;
  });
}

const rng = new Rng("models");
const NETS: [string, () => Module, number[]][] = [
  ["lenet5", () => lenet5({ rng }), [28, 28, 1]],
  ["vgg11", () => vgg11({ rng }), [32, 32, 3]],
  ["vggsmall", () => vggsmall({ rng }), [32, 32, 3]],
  ["resnet20", () => resnet20({ rng }), [12, 12, 3]],
  ["resnet20b", () => resnet20b({ rng }), [12, 12, 3]],
  ["resnet32", () => resnet32({ rng }), [8, 8, 3]],
  ["resnet44", () => resnet44({ rng }), [8, 8, 3]],
  ["resnet56", () => resnet56({ rng }), [8, 8, 3]],
  ["dscnn", () => dscnn({ rng }), [13, 6, 1]],
  ["mobilenetv1", () => mobilenetv1({ classes: 6, size: 32, width: 0.25, rng }), [20, 20, 3]],
  ["mobilenetv2", () => mobilenetv2({ classes: 6, size: 32, width: 0.35, rng }), [20, 20, 3]],
  ["resnet18", () => resnet18({ classes: 6, rng }), [34, 34, 3]],
  ["resnet18, small stem", () => resnet18({ classes: 6, stem: "small", rng }), [18, 18, 3]],
  ["alexnet", () => alexnet({ classes: 6, size: 63, rng }), [63, 63, 3]],
];
const WIDTHS: [string, number][] = [
  ["1W4A", 1],
  ["2W4A", 2],
  ["4W4A", 4],
];

describe.each(NETS)("%s", (name, make, shape) => {
  // AlexNet's 38 million weights are drawn and projected once: at one bit.
  const widths = name === "alexnet" ? WIDTHS.slice(0, 1) : WIDTHS;
  it.each(widths)("in %s trains, packs, verifies and runs", async (_, weights) => {
    using net = make();
    prepare(net, { weights, activations: 4 });
    const images = pixels(new Rng(`${name} images`), 2, shape);
    expect(trainStep(net, images, [2, ...shape])).toBeGreaterThan(0);
    const bytes = pack(net, { inputShape: shape });
    const found = await verify(net, bytes, { images });
    for (const layer of found.layers) expect(layer.firstDifference, layer.name).toBeNull();
    using session = createSession(bytes);
    const logits = session.run(images);
    expect(logits.every(Number.isFinite)).toBe(true);
    expect(new Set(logits).size).toBeGreaterThan(2);
    // All convolutions run on codes; real products are left for what no staircase comes before.
    const floats = session.plan.nodes.filter(({ op }) => op === "floatConv").length;
    expect(floats).toBe(0);
  });
});

describe("sizes", () => {
  it("ResNet-18 with all layers of one bit takes at most 1.9 MB, against 46.8 MB of float weights", () => {
    using net = prepare(resnet18({ rng: new Rng(1) }), { weights: 1, activations: 4 });
    const bytes = pack(net, { inputShape: [224, 224, 3] });
    expect(bytes.length).toBeLessThanOrEqual(1.9e6);
    const { floatBytes, weights, weightsByBits } = summarize(bytes);
    expect(weights).toBe(11_678_912);
    expect(floatBytes / 1e6).toBeCloseTo(46.7, 1);
    expect(net.parameterCount() * 4).toBeGreaterThan(46.7e6);
    expect(weightsByBits.map(({ bits }) => bits)).toEqual([1]);
  });
});

/** Gives some channels of every batch norm the values that break careless folding. */
function makeExtreme(net: Module, draw: Rng): void {
  const EXTREMES: readonly [weight: number, variance: number, bias: number, mean: number][] = [
    [0, 1, 0.3, 5],
    [0, 0, -0.2, 0],
    [1e-12, 1e-14, 0.5, 1e-8],
    [0.7, 0, 0.1, 0],
    [-0.9, 0.5, 0.4, 0.2],
    [-1e-20, 1e-20, 0, 0],
    [3e4, 1e-6, -1e3, 1],
    [1e-6, 1e8, 1e-6, 1e4],
    [-2e5, 3e-3, 7, -0.5],
    [1e-38, 1e-38, 1e-30, 1e-38],
  ];
  for (const module of net.modules()) {
    if (!(module instanceof BatchNorm)) continue;
    const fields = [module.weight, module.runningVar, module.bias, module.runningMean];
    const values = fields.map((field) => Float32Array.from(field.data.view() as Float32Array));
    for (let c = 0; c < module.features; c++) {
      if (draw.int(3) === 0) continue;
      const extreme = EXTREMES[draw.int(EXTREMES.length)];
      for (let i = 0; i < 4; i++) values[i][c] = extreme[i];
    }
    fields.forEach((field, i) => {
      field.set(values[i]);
    });
  }
}

describe("batch-norm channels of extreme weight or variance fold without harm", () => {
  it.each([
    ["lenet5", () => lenet5({ rng: new Rng(3) }), [28, 28, 1]],
    ["resnet20", () => resnet20({ rng: new Rng(4) }), [12, 12, 3]],
    ["resnet18", () => resnet18({ classes: 5, rng: new Rng(5) }), [32, 32, 3]],
  ] as const)("in %s, made up", async (name, make, shape) => {
    using net = make();
    prepare(net, { weights: 1, activations: 4 });
    settle(net, new Rng(`${name} norms`));
    makeExtreme(net, new Rng(`${name} extremes`));
    const found = await verify(net, pack(net, { inputShape: shape }), { images: pixels(new Rng(name), 3, shape) });
    for (const layer of found.layers) expect(layer.firstDifference, layer.name).toBeNull();
  });

  const checkpoint = dataRoots()
    .map((root) => path.join(root, "pretrained/resnet20-cifar10.safetensors"))
    .find((file) => existsSync(file));
  it.skipIf(checkpoint === undefined)("in the public ResNet-20, whose dead channels are real", async () => {
    const { tensors } = readSafetensors(await readFileBytes(checkpoint as string), "resnet20");
    for (const keepFloat of [["first", "last"], []]) {
      using net = resnet20({ normalize: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } });
      net.loadStateDict(tensors);
      const dead = net.modules().some((module) => {
        if (!(module instanceof BatchNorm)) return false;
        return (module.runningVar.data.view() as Float32Array).some((variance) => variance < 1e-4);
      });
      expect(dead).toBe(true);
      prepare(net, { weights: 1, activations: 4, keepFloat });
      const found = await verify(net, pack(net, { inputShape: [32, 32, 3] }), {
        images: pixels(new Rng("resnet20"), 4, [32, 32, 3]),
      });
      for (const layer of found.layers) expect(layer.firstDifference, layer.name).toBeNull();
    }
  });
});
