/** @file Networks: names, shapes, sizes, and that they learn. */
import { beforeEach, describe, expect, it } from "vitest";
import { manualSeed } from "../../src/autograd/random.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { scope } from "../../src/memory/scope.js";
import {
  alexnet,
  dscnn,
  lenet5,
  MODEL_NAMES,
  mlp,
  model,
  PaddedShortcut,
  ProjectedBlock,
  resnet18,
  resnet20,
  resnet20b,
  resnet32,
  resnet32b,
  resnet44,
  resnet44b,
  resnet56,
  resnet56b,
  vgg11,
  vggsmall,
} from "../../src/models/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { crossEntropy } from "../../src/nn/index.js";
import type { Module } from "../../src/nn/module.js";
import { SGD } from "../../src/optim/sgd.js";
import { imageTensor, labelTensor } from "../../src/train/input.js";
import { disposeLater } from "../leaks.js";

beforeEach(() => manualSeed(5));

const shapeOf = (net: Module, shape: readonly number[]) =>
  scope(() => {
    const size = shape.reduce((a, b) => a * b);
    const pixels = Uint8Array.from({ length: size }, (_, i) => (i * 37) % 256);
    return [...net.forward(imageTensor(pixels, shape)).shape];
  });

describe("lenet5", () => {
  it("has its layers, sizes and names", () => {
    const net = disposeLater(lenet5());
    expect([...net.namedChildren().keys()].join(" ")).toBe(
      "conv1 bn1 act1 pool1 conv2 bn2 act2 pool2 flatten fc1 bn3 act3 fc2",
    );
    const shapes = Object.fromEntries([...net.stateDict()].map(([key, array]) => [key, [...array.shape]]));
    expect(shapes).toMatchObject({
      "conv1.weight": [32, 1, 5, 5],
      "conv2.weight": [64, 32, 5, 5],
      "bn2.running_var": [64],
      "fc1.weight": [512, 1024],
      "fc2.weight": [10, 512],
      "fc2.bias": [10],
    });
    expect(net.parameterCount()).toBe(800 + 64 + 51_200 + 128 + 524_288 + 1024 + 5130);
    expect((net.fc2 as unknown as { weight: { name: string } }).weight.name).toBe("fc2.weight");
    expect(shapeOf(net, [2, 28, 28, 1])).toEqual([2, 10]);
  });
  it("takes other images", () => {
    expect(shapeOf(disposeLater(lenet5({ size: 32, channels: 3, classes: 4 })), [2, 32, 32, 3])).toEqual([2, 4]);
    expect(() => lenet5({ size: 27 })).toThrow(/lenet5: image size does not fit the layers.*got 27/);
  });
  it("starts alike from one generator", () => {
    const weights = (rng: Rng) => disposeLater(lenet5({ rng })).stateDict().get("conv2.weight")?.toTypedArray();
    expect(weights(new Rng(1))).toEqual(weights(new Rng(1)));
    expect(weights(new Rng(1))).not.toEqual(weights(new Rng(2)));
  });
  it("learns one batch by heart", () => {
    const { train } = digits({ train: 20, test: 0 });
    const net = disposeLater(lenet5());
    const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.02, momentum: 0.9 }));
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      scope(() => {
        optimizer.zeroGrad();
        const logits = net.forward(imageTensor(train.images, [20, 28, 28, 1]));
        const loss = crossEntropy(logits, labelTensor(Int32Array.from(train.labels)));
        losses.push(loss.item());
        loss.backward();
        optimizer.step();
      });
    }
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(losses[losses.length - 1]).toBeLessThan(0.05);
  });
});

describe("mlp", () => {
  it("has batch norm between linear layers and activations, or none", () => {
    expect(
      [
        ...disposeLater(mlp({ sizes: [6, 5, 4, 3] }))
          .stateDict()
          .keys(),
      ].filter((key) => !/running|bn.*bias/.test(key)),
    ).toEqual(["fc.0.weight", "fc.1.weight", "fc.2.weight", "fc.2.bias", "bn.0.weight", "bn.1.weight"]);
    const plain = disposeLater(mlp({ sizes: [6, 5, 3], batchNorm: false }));
    expect([...plain.stateDict().keys()]).toEqual(["fc.0.weight", "fc.0.bias", "fc.1.weight", "fc.1.bias"]);
    expect(shapeOf(plain, [4, 2, 3, 1])).toEqual([4, 3]);
    expect(() => mlp({ sizes: [3] })).toThrow(/mlp: bad sizes/);
  });
});

describe("resnet20", () => {
  it("has the keys and the size of the common checkpoint", () => {
    const net = disposeLater(resnet20());
    expect(net.parameterCount()).toBe(269_722);
    const norm = (prefix: string) =>
      ["weight", "bias", "running_mean", "running_var"].map((name) => `${prefix}.${name}`);
    const expected = ["conv1.weight", ...norm("bn1"), "linear.weight", "linear.bias"];
    for (const stage of [1, 2, 3])
      for (const block of [0, 1, 2])
        for (const k of [1, 2])
          expected.push(`layer${stage}.${block}.conv${k}.weight`, ...norm(`layer${stage}.${block}.bn${k}`));
    expect([...net.stateDict().keys()].sort()).toEqual(expected.sort());
    expect(expected).toHaveLength(97);
    expect(shapeOf(net, [2, 32, 32, 3])).toEqual([2, 10]);
  });
  it("keeps its constants out of the state dict", () => {
    const net = disposeLater(resnet20({ normalize: { mean: [0.5, 0.5, 0.5], std: [1, 1, 1] } }));
    expect(net.stateDict().size).toBe(97);
  });
  it("takes every second pixel and pads channels in its shortcut, in real values and in codes", () => {
    scope(() => {
      const shortcut = new PaddedShortcut(1, 4, 2);
      const pixels = Uint8Array.from({ length: 16 }, (_, i) => i);
      const expected = [0, 2, 8, 10].flatMap((value) => [0, value, 0, 0]);
      const real = shortcut.forward(new Tensor(NDArray.from(Float32Array.from(pixels), [1, 4, 4, 1])));
      expect([real.shape, Array.from(real.toTypedArray())]).toEqual([[1, 2, 2, 4], expected]);
      const coded = shortcut.forward(new Tensor(NDArray.from(pixels, [1, 4, 4, 1], "u8", 1)));
      expect([coded.data.step, Array.from(coded.toTypedArray())]).toEqual([1, expected]);
    });
  });
});

describe("vgg11", () => {
  it("has eight convolutions and one linear layer", () => {
    const net = disposeLater(vgg11());
    const weights = [...net.stateDict()].filter(([, array]) => array.rank > 1);
    expect(weights.map(([key]) => key)).toEqual([
      ...[0, 4, 8, 11, 15, 18, 22, 25].map((i) => `features.${i}.weight`),
      "classifier.weight",
    ]);
    expect(shapeOf(net.eval(), [1, 32, 32, 3])).toEqual([1, 10]);
    expect(() => vgg11({ size: 28 })).toThrow(/vgg11: image size/);
  });
});

describe("vggsmall", () => {
  it("has ten convolutions, one linear layer, and about three million weights", () => {
    const net = disposeLater(vggsmall());
    const weights = [...net.stateDict()].filter(([, array]) => array.rank > 1);
    expect(weights.map(([key]) => key)).toEqual([
      ...[0, 3, 7, 10, 13, 17, 20, 23, 27, 30].map((i) => `features.${i}.weight`),
      "classifier.weight",
    ]);
    expect(weights.reduce((sum, [, { size }]) => sum + size, 0)).toBe(3_071_680);
    expect(shapeOf(net.eval(), [1, 32, 32, 3])).toEqual([1, 10]);
    expect(shapeOf(disposeLater(vggsmall({ size: 48, classes: 4 })).eval(), [2, 48, 48, 3])).toEqual([2, 4]);
    expect(() => vggsmall({ size: 24 })).toThrow(/vggsmall: image size/);
  });
});

describe("deeper networks for CIFAR", () => {
  it.each([
    ["resnet32", resnet32, 464_154],
    ["resnet44", resnet44, 658_586],
    ["resnet56", resnet56, 853_018],
  ] as const)("%s has the size of the paper's table", (_, make, parameters) => {
    const net = disposeLater(make());
    expect(net.parameterCount()).toBe(parameters);
    expect(shapeOf(net.eval(), [1, 8, 8, 3])).toEqual([1, 10]);
  });
});

describe("networks for CIFAR with projections", () => {
  it("have a convolution and batch norm in the shortcuts between stages, under torchvision's keys", () => {
    const [net, padded] = [resnet20b(), resnet20()].map(disposeLater);
    const norm = ["weight", "bias", "running_mean", "running_var"];
    const projections = [2, 3].flatMap((stage) => [
      `layer${stage}.0.downsample.0.weight`,
      ...norm.map((name) => `layer${stage}.0.downsample.1.${name}`),
    ]);
    const others = [...padded.stateDict().keys()].map((key) => key.replace("linear.", "fc."));
    expect([...net.stateDict().keys()].sort()).toEqual([...others, ...projections].sort());
    expect(net.stateDict().get("layer3.0.downsample.0.weight")?.shape).toEqual([64, 32, 1, 1]);
    expect(shapeOf(net.eval(), [2, 32, 32, 3])).toEqual([2, 10]);
  });
  it.each([
    ["resnet20b", resnet20b, 272_474],
    ["resnet32b", resnet32b, 466_906],
    ["resnet44b", resnet44b, 661_338],
    ["resnet56b", resnet56b, 855_770],
  ] as const)("%s has as many parameters as the public implementation", (name, make, parameters) => {
    const net = disposeLater(make());
    expect(net.parameterCount()).toBe(parameters);
    expect(disposeLater(model(name)).parameterCount()).toBe(parameters);
    expect(shapeOf(net.eval(), [1, 8, 8, 3])).toEqual([1, 10]);
  });
  it("add the projection of what comes in, of every second pixel", () => {
    scope(() => {
      const block = disposeLater(new ProjectedBlock(1, 2, 2));
      block.eval();
      const state = block.stateDict();
      const zeros = new Map([...state].map(([key, array]) => [key, NDArray.zeros(array.shape)]));
      const ones = (key: string, values: number[]) =>
        zeros.set(key, NDArray.from(Float32Array.from(values), state.get(key)!.shape));
      for (const norm of ["bn1", "bn2", "downsample.1"]) ones(`${norm}.running_var`, [1, 1]);
      ones("downsample.1.weight", [1, 1]);
      ones("downsample.0.weight", [2, -3]);
      block.loadStateDict(zeros);
      const x = new Tensor(
        NDArray.from(
          Float32Array.from({ length: 16 }, (_, i) => i - 4),
          [1, 4, 4, 1],
        ),
      );
      // Pixels -4, -2, 4 and 6, doubled or three times and turned around, and ReLU of that.
      const expected = [0, 12, 0, 6, 8, 0, 12, 0];
      const got = Array.from(block.forward(x).toTypedArray());
      for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, 3);
    });
  });
});

describe("resnet18", () => {
  it("has torchvision's keys and size", () => {
    const net = disposeLater(resnet18());
    expect(net.parameterCount()).toBe(11_689_512);
    const norm = (prefix: string) =>
      ["weight", "bias", "running_mean", "running_var"].map((name) => `${prefix}.${name}`);
    const expected = ["conv1.weight", ...norm("bn1"), "fc.weight", "fc.bias"];
    for (const stage of [1, 2, 3, 4]) {
      for (const block of [0, 1]) {
        for (const k of [1, 2])
          expected.push(`layer${stage}.${block}.conv${k}.weight`, ...norm(`layer${stage}.${block}.bn${k}`));
      }
      if (stage > 1) expected.push(`layer${stage}.0.downsample.0.weight`, ...norm(`layer${stage}.0.downsample.1`));
    }
    expect([...net.stateDict().keys()].sort()).toEqual(expected.sort());
    expect(net.stateDict().get("layer2.0.downsample.0.weight")?.shape).toEqual([128, 64, 1, 1]);
    expect(shapeOf(net.eval(), [1, 32, 32, 3])).toEqual([1, 1000]);
  });
});

describe("resnet18 with the small stem", () => {
  it("has the same keys, a kernel of 3×3, and pixels of half the size behind it", () => {
    const [net, large] = [resnet18({ stem: "small" }), resnet18()].map(disposeLater);
    expect([...net.stateDict().keys()]).toEqual([...large.stateDict().keys()]);
    expect(net.stateDict().get("conv1.weight")?.shape).toEqual([64, 3, 3, 3]);
    expect(net.parameterCount()).toBe(11_689_512 - 64 * 3 * 40);
    // Sixteen times smaller in the last stage, where the other is thirty-two times: 8×8 still has a pixel there.
    expect(shapeOf(net.eval(), [1, 8, 8, 3])).toEqual([1, 1000]);
    const named = disposeLater(model("resnet18-64", { classes: 200, size: 64, channels: 3 }));
    expect([...named.stateDict()].map(([key, { shape }]) => [key, ...shape])).toEqual(
      [...disposeLater(resnet18({ stem: "small", classes: 200 })).stateDict()].map(([key, { shape }]) => [
        key,
        ...shape,
      ]),
    );
    expect(() => resnet18({ stem: "tiny" as "small" })).toThrow(/resnet18: bad stem/);
  });
});

describe("alexnet", () => {
  it("without batch norm is torchvision's, key for key", () => {
    const net = disposeLater(alexnet({ batchNorm: false }));
    expect(net.parameterCount()).toBe(61_100_840);
    expect([...net.stateDict().keys()]).toEqual(
      [0, 3, 6, 8, 10]
        .map((i) => `features.${i}`)
        .concat([1, 4, 6].map((i) => `classifier.${i}`))
        .flatMap((path) => [`${path}.weight`, `${path}.bias`]),
    );
    expect(net.stateDict().get("classifier.1.weight")?.shape).toEqual([4096, 9216]);
  });
  it("has batch norm and no dropout by default, under names of its own", () => {
    const net = disposeLater(alexnet({ size: 63, classes: 7 }));
    const plain = [...net.stateDict().keys()].filter((key) => !key.startsWith("norms."));
    expect(plain).toEqual([
      ...[0, 3, 6, 8, 10].map((i) => `features.${i}.weight`),
      ...[1, 4, 6].map((i) => `classifier.${i}.weight`),
      "classifier.6.bias",
    ]);
    expect(net.norms.length).toBe(7);
    expect(shapeOf(net.eval(), [2, 63, 63, 3])).toEqual([2, 7]);
    expect(() => alexnet({ size: 62 })).toThrow(/alexnet: image size/);
  });
});

describe("the table", () => {
  it("makes every network by name", () => {
    expect(MODEL_NAMES.join(", ")).toBe(
      "alexnet, dscnn, lenet5, mlp, mobilenetv1, mobilenetv1-0.25, mobilenetv1-0.5, mobilenetv2, mobilenetv2-0.35, mobilenetv2-0.5, resnet18, resnet18-64, resnet20, resnet20b, resnet32, resnet32b, resnet44, resnet44b, resnet56, resnet56b, vgg11, vggsmall",
    );
    const net = disposeLater(model("mlp", { classes: 3, size: 4, channels: 2 }));
    expect(shapeOf(net, [2, 4, 4, 2])).toEqual([2, 3]);
    expect(() => model("toString")).toThrow(
      /model: unknown model; expected alexnet, dscnn, lenet5, .*, vgg11, vggsmall, got toString/,
    );
  });
});

describe("dscnn", () => {
  it("has its layers, sizes and names", () => {
    const net = disposeLater(dscnn());
    expect([...net.namedChildren().keys()].join(" ")).toBe(
      "conv1 bn1 act1 blocks.0 blocks.1 blocks.2 blocks.3 pool fc",
    );
    const shapes = Object.fromEntries([...net.stateDict()].map(([key, array]) => [key, [...array.shape]]));
    expect(shapes).toMatchObject({
      "conv1.weight": [64, 1, 10, 4],
      "blocks.0.depthwise.weight": [64, 1, 3, 3],
      "blocks.3.pointwise.weight": [64, 64, 1, 1],
      "fc.weight": [10, 64],
    });
    // The paper's size S: 64·40 + 4·(64·9 + 64·64) weights before the classifier.
    expect(net.parameterCount()).toBe(2560 + 128 + 4 * (576 + 4096 + 256) + 650);
    expect((net.fc as unknown as { weight: { name: string } }).weight.name).toBe("fc.weight");
  });
  it("takes spectrograms of any extents, and has other widths", () => {
    expect(shapeOf(disposeLater(dscnn()), [2, 49, 20, 1])).toEqual([2, 10]);
    expect(shapeOf(disposeLater(dscnn({ classes: 3, width: 7, blocks: 2 })), [2, 13, 5, 1])).toEqual([2, 3]);
    expect(shapeOf(disposeLater(model("dscnn", { size: 28, channels: 3 })), [2, 28, 28, 3])).toEqual([2, 10]);
    expect(() => dscnn({ width: 0 })).toThrow(/bad width/);
    expect(() => dscnn({ heads: 2 } as never)).toThrow(/unknown option/);
  });
});
