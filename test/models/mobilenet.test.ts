/** @file MobileNets: layers, sizes, names, and bottlenecks that become codes without another function. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noGrad } from "../../src/autograd/graph.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { mobilenetv1, mobilenetv2, model } from "../../src/models/index.js";
import type { BatchNorm2d } from "../../src/nn/batch-norm.js";
import type { Module } from "../../src/nn/module.js";
import { calibrate } from "../../src/quant/calibrate.js";
import { prepare } from "../../src/quant/prepare.js";
import { Staircase } from "../../src/quant/staircase.js";
import { imageTensor } from "../../src/train/input.js";
import { Workbench } from "../cli/run.js";
import { pixels, settle } from "../export/nets.js";
import { pytorchOf, type TorchTensor } from "../io/pytorch-of.js";
import { disposeLater } from "../leaks.js";

const logits = (net: Module, images: Uint8Array, shape: readonly number[]): number[] =>
  scope(() => noGrad(() => Array.from(net.forward(imageTensor(images, shape)).toTypedArray(), Number)));

const norm = (prefix: string): string[] =>
  ["weight", "bias", "running_mean", "running_var"].map((name) => `${prefix}.${name}`);

/** Heights of a network's feature maps, from its convolutions' strides. */
function sides(net: Module, size: number): string {
  let side = size;
  const seen = [side];
  for (const module of net.modules()) {
    const [stride] = [(module as { stride?: number | readonly number[] }).stride ?? 1].flat();
    if (stride === 1) continue;
    side = Math.ceil(side / stride);
    seen.push(side);
  }
  return seen.join(" ");
}

describe("mobilenetv1", () => {
  it("has the size of the paper's table, and the common checkpoint's keys", () => {
    const net = disposeLater(mobilenetv1());
    // 4.2 million in the paper: weights, batch norms and the classifier.
    expect(net.parameterCount()).toBe(4_231_976);
    const blocks = Array.from({ length: 13 }, (_, i) => `model.${i + 1}`);
    const expected = ["model.0.0.weight", ...norm("model.0.1"), "fc.weight", "fc.bias"].concat(
      blocks.flatMap((b) => [`${b}.0.weight`, ...norm(`${b}.1`), `${b}.3.weight`, ...norm(`${b}.4`)]),
    );
    expect([...net.stateDict().keys()].sort()).toEqual(expected.sort());
    expect(net.stateDict().get("model.2.0.weight")?.shape).toEqual([64, 1, 3, 3]);
    expect(net.stateDict().get("model.13.3.weight")?.shape).toEqual([1024, 1024, 1, 1]);
  });
  it("has other widths, and keeps small images large", () => {
    const quarter = disposeLater(mobilenetv1({ width: 0.25, classes: 7 }));
    expect(quarter.stateDict().get("model.0.0.weight")?.shape).toEqual([8, 3, 3, 3]);
    expect(quarter.stateDict().get("fc.weight")?.shape).toEqual([7, 256]);
    expect(sides(quarter, 224)).toBe("224 112 56 28 14 7");
    expect(sides(disposeLater(model("mobilenetv1-0.25", { size: 32 })), 32)).toBe("32 16 8 4 2");
    expect(
      disposeLater(mobilenetv1({ width: 0.01 }))
        .stateDict()
        .get("fc.weight")?.shape,
    ).toEqual([1000, 10]);
    for (const width of [0, -1, Number.NaN, "1" as never]) expect(() => mobilenetv1({ width })).toThrow(/bad width/);
    expect(() => mobilenetv1({ width: 1e6 })).toThrow(/the network is too large/);
    expect(() => mobilenetv1({ depth: 1 } as never)).toThrow(/unknown option/);
    expect(() => model("mobilenetv1-0.25", { width: 1 } as never)).toThrow(/unknown option/);
  });
});

describe("mobilenetv2", () => {
  /** Keys of torchvision's mobilenet_v2, without `num_batches_tracked`. */
  const TORCHVISION = [
    "features.0.0.weight",
    ...norm("features.0.1"),
    "classifier.1.weight",
    "classifier.1.bias",
  ].concat(
    ["features.18.0.weight", ...norm("features.18.1")],
    [
      "features.1.conv.0.0.weight",
      ...norm("features.1.conv.0.1"),
      "features.1.conv.1.weight",
      ...norm("features.1.conv.2"),
    ],
    Array.from({ length: 16 }, (_, i) => `features.${i + 2}.conv`).flatMap((b) => [
      ...[0, 1].flatMap((k) => [`${b}.${k}.0.weight`, ...norm(`${b}.${k}.1`)]),
      `${b}.2.weight`,
      ...norm(`${b}.3`),
    ]),
  );

  it("has torchvision's keys and size", () => {
    const net = disposeLater(mobilenetv2());
    expect(net.parameterCount()).toBe(3_504_872);
    expect([...net.stateDict().keys()].sort()).toEqual(TORCHVISION.sort());
    expect(TORCHVISION).toHaveLength(262);
    expect(net.stateDict().get("features.4.conv.1.0.weight")?.shape).toEqual([144, 1, 3, 3]);
    expect(net.stateDict().get("classifier.1.weight")?.shape).toEqual([1000, 1280]);
    expect(sides(net, 224)).toBe("224 112 56 28 14 7");
  });
  it("has other widths in multiples of 8, and keeps small images large", () => {
    const net = disposeLater(mobilenetv2({ width: 0.35, classes: 10, size: 32 }));
    const shapes = net.stateDict();
    // As torchvision's _make_divisible: 32, 24, 320 · 0.35 → 16, 8, 112; the last layer is never narrowed.
    expect(
      ["features.0.0.weight", "features.2.conv.2.weight", "features.17.conv.2.weight", "features.18.0.weight"].map(
        (key) => shapes.get(key)?.shape[0],
      ),
    ).toEqual([16, 8, 112, 1280]);
    expect(sides(net, 32)).toBe("32 16 8 4");
    const wide = disposeLater(mobilenetv2({ width: 1.4, classes: 2 }));
    expect(wide.stateDict().get("features.18.0.weight")?.shape[0]).toBe(1792);
    expect(() => mobilenetv2({ dropout: 1 })).toThrow(/bad dropout/);
    expect(() => mobilenetv2({ width: Infinity })).toThrow(/bad width/);
  });

  const shape = [4, 12, 12, 3];
  it("gives bottlenecks a floor below their mean, and is the same function", async () => {
    const rng = new Rng("bottlenecks");
    using net = mobilenetv2({ width: 0.35, classes: 10, size: 32, rng });
    settle(net, rng);
    net.eval();
    const images = pixels(rng, shape[0], shape.slice(1));
    const before = logits(net, images, shape);
    const held = new Map([...net.stateDict()].map(([key, { shape: own }]) => [key, [...own]]));
    prepare(net, { activations: 8 });
    for (const [key, own] of held) expect(net.stateDict().get(key)?.shape, key).toEqual(own);
    // Every bottleneck: the lowest level lies 2.5 standard deviations below the mean of what the norms give.
    const first = net.get("features.1.conv.2") as BatchNorm2d;
    const [gamma, beta] = [first.weight, first.bias].map((p) => p.data.toTypedArray() as Float32Array);
    beta.forEach((b, c) => {
      expect(b).toBeCloseTo(2.5 * Math.abs(gamma[c]), 5);
    });
    const acts = [...net.namedModules()].filter(([key, m]) => key.endsWith(".act") && m instanceof Staircase);
    expect(acts).toHaveLength(17);
    await calibrate(net, [{ images, shape }], { method: "max", recalibrateBatchNorm: false });
    const after = logits(net, images, shape);
    const scale = Math.max(...before.map(Math.abs));
    const error = Math.max(...after.map((value, i) => Math.abs(value - before[i])));
    expect(error / scale).toBeLessThan(0.2);
    // A plain ReLU in the bottlenecks' place loses the function.
    const spread = Math.max(...before) - Math.min(...before);
    expect(spread / scale).toBeGreaterThan(0.2);
  });
  it("raises a bottleneck once, whatever is asked for later, and not where activations stay float", () => {
    using net = mobilenetv2({ width: 0.35, classes: 10, size: 32, rng: new Rng(1) });
    const bias = () => Array.from((net.get("features.3.conv.3") as BatchNorm2d).bias.data.toTypedArray(), Number);
    prepare(net, { weights: 1 });
    expect(new Set(bias())).toEqual(new Set([0]));
    prepare(net, { weights: 1, activations: 4 });
    const once = bias();
    expect(once.every((value) => value !== 0)).toBe(true);
    prepare(net, { weights: 1, activations: 2 });
    expect(bias()).toEqual(once);
  });
});

describe("files of torchvision's names", () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await Workbench.open();
    using net = mobilenetv2({ width: 0.35, classes: 2, size: 32, rng: new Rng(5) });
    const torch = new Map<string, TorchTensor>();
    for (const [name, array] of net.stateDict()) {
      torch.set(name, { storage: "Float", shape: [...array.shape], data: array.toTypedArray() as Float32Array });
      if (!name.endsWith("running_mean")) continue;
      const count = name.replace("running_mean", "num_batches_tracked");
      torch.set(count, { storage: "Long", shape: [], data: BigInt64Array.of(7n) });
    }
    writeFileSync(bench.file("mobilenet_v2.pth"), pytorchOf(torch, []));
    for (const [name, shade] of [
      ["cat", 40],
      ["dog", 200],
    ] as const) {
      mkdirSync(bench.file("pets", name), { recursive: true });
      const colors = Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, i) => (shade + ((i * i) % 91)) & 255));
      writeFileSync(bench.file("pets", name, "1.ppm"), Buffer.concat([Buffer.from("P6 32 32 255\n"), colors]));
    }
  });
  afterAll(() => bench?.close());

  it("start a run by --init, which packs and verifies", async () => {
    const images = ["--data", "imagefolder:pets", "--image-size", "32", "--normalize", "none", "--workers", "0"];
    const settings = ["--model", "mobilenetv2-0.35", "--bits", "4W4A", "--method", "ptq", "--batch", "2"];
    await bench.json("train", ...settings, ...images, "--init", "mobilenet_v2.pth", "--out", "run");
    expect(readFileSync(bench.file("run", "model.cgm")).length).toBeGreaterThan(100_000);
    const { layers } = await bench.json<{ layers: { name: string; firstDifference: unknown }[] }>("verify", "run");
    expect(layers.length).toBeGreaterThan(50);
    for (const { name, firstDifference } of layers) expect(firstDifference, name).toBeNull();
    const other = await bench.run(
      "train",
      ...settings,
      ...images,
      "--init",
      "mobilenet_v2.pth",
      "--out",
      "other",
      "--model",
      "mobilenetv2",
    );
    expect(other.code).not.toBe(0);
    expect(other.stderr).toContain("features.0.0.weight");
  });
});
