/** @file Export of sequences, resized images, transposed convolutions and layer norms, run by onnxruntime-web. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { pack } from "../../src/export/index.js";
import { createSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/index.js";
import {
  AvgPool1d,
  AvgPool2d,
  BatchNorm1d,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  Flatten,
  GlobalAvgPool1d,
  LayerNorm,
  Linear,
  MaxPool1d,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  Upsample,
  type UpsampleOptions,
} from "../../src/nn/index.js";
import { decodeModel } from "../../src/onnx/codec.js";
import { exportOnnx, exportPackedOnnx, importOnnx } from "../../src/onnx/index.js";
import { prepare } from "../../src/quant/index.js";
import { pixels, settle } from "../export/nets.js";
import { evaluate, expectAgreement, expectSameBits, relativeError, trainingValues } from "./agreement.js";
import { type Runtime, webRuntime } from "./runtimes.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

let runtime: Runtime;
beforeAll(async () => {
  runtime = await webRuntime();
});

/** Draws the parameters, so that norms are not the identity. */
function drawn<Net extends Module>(net: Net, rng: Rng): Net {
  for (const parameter of net.parameters()) {
    parameter.set(Float32Array.from({ length: parameter.size }, () => rng.normal()));
  }
  return net.eval() as Net;
}

/** Runs a float network's file. @returns the operators in it */
async function expectClose(net: Module, inputShape: readonly number[]): Promise<string[]> {
  const rng = new Rng("input");
  const count = inputShape.reduce((a, b) => a * b, 2);
  const images = Float32Array.from({ length: count }, () => rng.normal());
  const { output } = trainingValues(net, images, inputShape);
  const bytes = exportOnnx(net, { inputShape, inputType: "f32" });
  const session = await runtime.load(bytes);
  const found = (await session.run(images, [2, ...inputShape])).get("output")!;
  await session.release();
  expect(relativeError(found.data, output)).toBeLessThan(3e-6);
  return decodeModel(bytes, "test").graph?.node?.map(({ opType = "" }) => opType) ?? [];
}

const wide = { stride: 1, dilation: 3, padding: 3 } as const;
const pools: [string, Module, string[]][] = [
  ["max, dilation", new MaxPool2d(3, { stride: 1, dilation: 2, padding: 2 }), ["MaxPool"]],
  ["max, padding as wide as the taps", new MaxPool2d(3, wide), ["Pad", "MaxPool"]],
  ["mean, dilation", new AvgPool2d(3, { stride: 2, dilation: [2, 1], padding: [2, 1] }), ["AveragePool"]],
  ["mean, padding as wide as the taps", new AvgPool2d(3, wide), ["ConstantOfShape", "Conv", "Div"]],
  [
    "mean of pixels, padding as wide as the taps",
    new AvgPool2d(3, { ...wide, countIncludePad: false }),
    ["ConstantOfShape", "Conv", "Div"],
  ],
  ["max, ceil mode", new MaxPool2d(3, { ceilMode: true }), ["MaxPool"]],
  ["mean, ceil mode", new AvgPool2d(3, { ceilMode: true }), ["AveragePool"]],
];

describe("float layers", () => {
  it("transposed convolutions with everything", async () => {
    const options = {
      stride: [2, 3],
      padding: [1, 0, 0, 2],
      outputPadding: [1, 2],
      dilation: [1, 2],
      groups: 2,
    } as const;
    using net = drawn(new Sequential(new ConvTranspose2d(4, 6, [3, 2], options)), new Rng(1));
    expect(await expectClose(net, [3, 4, 4])).toContain("ConvTranspose");
  });
  const sizes: [UpsampleOptions, string][] = [
    [{ scale: 2 }, "Resize"],
    [{ scale: [3, 2], mode: "nearest-exact" }, "Resize"],
    [{ size: [5, 3] }, "Gather"],
    [{ scale: [1.7, 0.5], mode: "nearest-exact" }, "Gather"],
    [{ scale: 2, mode: "bilinear" }, "Resize"],
    [{ scale: [1.5, 2.25], mode: "bilinear" }, "Resize"],
    [{ size: [3, 9], mode: "bilinear" }, "Resize"],
    [{ size: [7, 9], mode: "bilinear", alignCorners: true }, "Resize"],
  ];
  it.each(sizes)("upsample %j", async (options, operator) => {
    using net = new Sequential(new Upsample(options));
    expect(await expectClose(net, [4, 4, 3])).toContain(operator);
  });
  it.each([[[3]], [[5, 3]], [[4, 5, 3]]])("layer norm of images over %j", async (shape) => {
    using net = drawn(new Sequential(new LayerNorm(shape), new Conv2d(3, 2, 1)), new Rng(2));
    expect(await expectClose(net, [4, 5, 3])).toContain("LayerNormalization");
  });
  it.each(pools)("pools: %s", async (_name, pool, operators) => {
    using net = drawn(new Sequential(new Conv2d(2, 3, 1), pool, new Conv2d(3, 2, 1)), new Rng(5));
    // Transpose, Conv, the pool, Conv, Transpose, Identity.
    expect((await expectClose(net, [7, 8, 2])).slice(2, -3)).toEqual(operators);
  });
  it("layer norm of rows, and of a flattened image", async () => {
    const rng = new Rng(3);
    using net = drawn(new Sequential(new Flatten(), new LayerNorm(24), new Linear(24, 4), new LayerNorm(4)), rng);
    await expectClose(net, [3, 4, 2]);
    using bare = new Sequential(new LayerNorm(5, { affine: false, eps: 0.1 }));
    await expectClose(bare, [5]);
  });
  it("sequences, in and out", async () => {
    const rng = new Rng(4);
    const options = { padding: [2, 0], dilation: 2, groups: 2 } as const;
    using net = drawn(
      new Sequential(new Conv1d(4, 6, 2, options), new ReLU(), new AvgPool1d(2), new LayerNorm(6)),
      rng,
    );
    await expectClose(net, [9, 4]);
  });
  it("rows become images", async () => {
    class Decoder extends Module {
      readonly fc = new Linear(5, 24, { rng: new Rng(1) });
      readonly up = new ConvTranspose2d(4, 2, 2, { stride: 2, rng: new Rng(2) });
      override forward(x: Parameters<Linear["forward"]>[0]): ReturnType<Linear["forward"]> {
        return this.up.forward(this.fc.forward(x).reshape([x.shape[0], 2, 3, 4]));
      }
    }
    using net = new Decoder();
    net.nameParameters();
    await expectClose(net.eval(), [5]);
  });
});

describe("quantized networks give training's codes, bit by bit", () => {
  const sound = (rng: Rng): Sequential =>
    new Sequential(
      new Conv1d(2, 5, 3, { padding: 1, rng }),
      new BatchNorm1d(5),
      new ReLU(),
      new MaxPool1d(2),
      new Conv1d(5, 4, 3, { stride: 2, rng }),
      new ReLU(),
      new GlobalAvgPool1d(),
      new Linear(4, 3, { rng }),
    );
  it.each([1, 2, 4, 8])("sequences of %i-bit weights", async (weights) => {
    const rng = new Rng(weights);
    using net = sound(rng);
    prepare(net, { weights, activations: 4, keepFloat: ["last"] });
    settle(net, rng);
    const images = pixels(rng, 3, [14, 2]);
    const { output } = trainingValues(net.eval(), images, [14, 2]);
    const found = await run(exportOnnx(net, { inputShape: [14, 2] }), images, [14, 2]);
    // The last layer is a float one, whose sums have their own order there.
    expect(relativeError(found, output)).toBeLessThan(1e-6);
    const packed = pack(net, { inputShape: [14, 2] });
    using session = createSession(packed);
    expect(relativeError(await run(exportPackedOnnx(packed), images, [14, 2]), session.run(images))).toBeLessThan(1e-6);
  });
  it("images of codes that are made larger", async () => {
    const rng = new Rng(9);
    using net = new Sequential(
      new Conv2d(1, 4, 3, { padding: 1, rng }),
      new ReLU(),
      new Upsample({ scale: 2 }),
      new Conv2d(4, 3, 3, { rng }),
      new ReLU(),
      new Upsample({ size: [5, 7], mode: "nearest-exact" }),
      new Flatten(),
      new Linear(105, 4, { rng }),
    );
    prepare(net, { weights: 2, activations: 4 });
    const images = pixels(rng, 3, [6, 5, 1]);
    expect(await expectAgreement(runtime, net.eval(), images, [6, 5, 1])).toBeGreaterThan(100);
  });
  it("images of codes in pools with dilation and in ceil mode", async () => {
    const rng = new Rng(10);
    using net = new Sequential(
      new Conv2d(1, 4, 3, { padding: 1, rng }),
      new ReLU(),
      new MaxPool2d(3, { stride: 1, dilation: 3, padding: 3 }),
      new AvgPool2d(3, { ceilMode: true }),
      new ReLU(),
      new Flatten(),
      new Linear(36, 4, { rng }),
    );
    prepare(net, { weights: 2, activations: 4 });
    const images = pixels(rng, 3, [8, 7, 1]);
    expect(await expectAgreement(runtime, net.eval(), images, [8, 7, 1])).toBeGreaterThan(100);
  });
});

async function run(bytes: Uint8Array, images: Uint8Array, shape: readonly number[]): Promise<Float32Array> {
  const session = await runtime.load(bytes);
  const count = images.length / shape.reduce((a, b) => a * b, 1);
  const { data } = (await session.run(images, [count, ...shape])).get("output")!;
  await session.release();
  return data as Float32Array;
}

describe("files come back", () => {
  it("transposed convolutions, resized images and norms of images", () => {
    const rng = new Rng(6);
    using net = drawn(
      new Sequential(
        new ConvTranspose2d(3, 4, 3, { stride: 2, padding: 1, outputPadding: 1 }),
        new Upsample({ scale: 2, mode: "bilinear" }),
        new Upsample({ scale: 2 }),
        new LayerNorm(4),
      ),
      rng,
    );
    const bytes = exportOnnx(net, { inputShape: [3, 3, 3], inputType: "f32" });
    using back = importOnnx(bytes);
    const images = Float32Array.from({ length: 54 }, () => rng.normal());
    const [own, other] = [net, back.eval()].map((own) => trainingValues(own, images, [3, 3, 3]).output);
    expectSameBits(other, own, "imported network");
  });
  it.each(pools)("pools: %s", (_name, pool) => {
    const rng = new Rng(7);
    using net = drawn(new Sequential(new Conv2d(2, 3, 1), pool), rng);
    using back = importOnnx(exportOnnx(net, { inputShape: [7, 8, 2], inputType: "f32" }));
    const images = Float32Array.from({ length: 224 }, () => rng.normal());
    const [own, other] = [net, back].map((each) => evaluate(each, images, [7, 8, 2]));
    expect(other.shape).toEqual(own.shape);
    expect(relativeError(other.data, own.data)).toBeLessThan(1e-6);
  });
});
