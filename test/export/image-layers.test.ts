/** @file Decoders and norms: packed, and the same bits in the packed runtime, which loads their kinds late. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { convTranspose2d, upsample } from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { QuantError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, verify } from "../../src/export/index.js";
import { readPacked } from "../../src/format/index.js";
import { openSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/index.js";
import {
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  Flatten,
  LayerNorm,
  Linear,
  Module,
  ReLU,
  Sequential,
  Upsample,
  type UpsampleOptions,
} from "../../src/nn/index.js";
import { prepare } from "../../src/quant/index.js";
import { pixels } from "./nets.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

const upTo = (n: number, least = 1) => fc.integer({ min: least, max: n });
const two = (n: number, least = 1) => fc.tuple(upTo(n, least), upTo(n, least));

/** Rows to images to larger images. */
class Decoder extends Module {
  readonly fc: Linear;
  readonly up: ConvTranspose2d;
  readonly act = new ReLU();
  readonly norm: LayerNorm;
  readonly out: Conv2d;
  constructor(rng: Rng) {
    super();
    this.fc = new Linear(6, 3 * 3 * 4, { rng });
    this.up = new ConvTranspose2d(4, 5, 3, { stride: 2, padding: 1, outputPadding: 1, rng });
    this.norm = new LayerNorm(5);
    this.out = new Conv2d(5, 2, 3, { padding: 1, rng });
    this.nameParameters();
  }
  override forward(x: Tensor): Tensor {
    const image = this.fc.forward(x).reshape([x.shape[0], 3, 3, 4]);
    const larger = upsample(this.norm.forward(this.act.forward(this.up.forward(image))), {
      scale: 2,
      mode: "bilinear",
    });
    return this.out.forward(larger);
  }
}

describe("layers of images", () => {
  it("run from a packed file with training's bits", async () => {
    const cases = fc.record({
      size: two(6),
      channels: upTo(4),
      groups: upTo(2),
      kernel: two(3),
      stride: two(3),
      dilation: two(2),
      padding: two(2, 0),
      mode: fc.constantFrom("nearest" as const, "nearest-exact" as const, "bilinear" as const),
      align: fc.boolean(),
      extents: fc.oneof(
        fc.record({ size: two(9) }),
        fc.record({ scale: fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom(1.5, 2.3)) }),
      ),
      axes: upTo(3),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(
        cases,
        async ({ size, channels, groups, mode, align, extents, axes, seed, kernel, ...window }) => {
          const rng = new Rng(seed);
          const tall = [0, 1].map(
            (i) => (size[i] - 1) * window.stride[i] + window.dilation[i] * (kernel[i] - 1) + 1 - 2 * window.padding[i],
          );
          fc.pre(Math.min(...tall) > 0);
          const options: UpsampleOptions = { ...extents, mode, alignCorners: align && mode === "bilinear" };
          const shape = [...tall, 2 * groups].slice(-axes);
          using net = new Sequential(
            new ConvTranspose2d(channels * groups, 2 * groups, kernel, { ...window, groups, rng }),
            new LayerNorm(shape, { bias: seed % 2 === 0, affine: seed % 3 !== 0 }),
            new Upsample(options),
            new Conv2d(2 * groups, 2, 1, { rng }),
          ).eval();
          const inputShape = [...size, channels * groups];
          const found = await verify(
            net,
            pack(net, { inputShape }),
            { images: pixels(rng, 3, inputShape) },
            { batch: 2 },
          );
          for (const layer of found.layers) expect(layer.firstDifference, `${layer.name} (${layer.op})`).toBeNull();
          expect(found.identical).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("make images of rows, and are counted", async () => {
    const rng = new Rng(3);
    using net = new Decoder(rng);
    const bytes = pack(net, { inputShape: [6], inputType: "f32" });
    const images = Float32Array.from({ length: 30 }, () => rng.normal());
    expect((await verify(net, bytes, { images })).identical).toBe(true);
    const { plan } = readPacked(bytes);
    expect(plan.nodes.map(({ op }) => op)).toEqual([
      "floatLinear",
      "flatten",
      "convTranspose",
      "relu",
      "layerNorm",
      "resize",
      "floatConv",
    ]);
    expect(summarize(bytes).layers.find(({ op }) => op === "convTranspose")?.macs).toBe(6 * 6 * 5 * 9 * 4);
    using session = await openSession(bytes);
    expect(session.outputShape).toEqual([12, 12, 2]);
  });

  it("keep codes between quantized layers, where pixels only move", async () => {
    const rng = new Rng(4);
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
    const bytes = pack(net, { inputShape: [6, 5, 1] });
    expect((await verify(net, bytes, { images: pixels(rng, 4, [6, 5, 1]) })).identical).toBe(true);
    const { values, plan } = readPacked(bytes);
    const resized = plan.nodes.filter(({ op }) => op === "resize").map(({ id }) => values.get(id)?.dtype);
    expect(resized).toEqual(["u8", "u8"]);
    expect(plan.nodes.filter(({ op }) => op === "dequantize")).toEqual([]);
  });

  it("norm sequences", async () => {
    const rng = new Rng(5);
    using net = new Sequential(new Conv1d(2, 4, 3, { rng }), new LayerNorm([6, 4]), new ReLU(), new LayerNorm(4));
    for (const parameter of net.parameters())
      parameter.set(Float32Array.from({ length: parameter.size }, () => rng.normal()));
    const bytes = pack(net, { inputShape: [8, 2] });
    expect((await verify(net, bytes, { images: pixels(rng, 4, [8, 2]) })).identical).toBe(true);
  });

  it("are refused where their sums are not the packed runtime's", () => {
    class Fast extends Module {
      readonly layer = new ConvTranspose2d(1, 1, 2, { rng: new Rng(1) });
      override forward(x: Tensor): Tensor {
        return convTranspose2d(x, this.layer.weight, null, { algorithm: "fast" });
      }
    }
    using net = new Fast();
    expect(() => pack(net, { inputShape: [3, 3, 1] })).toThrow(QuantError);
    expect(() => pack(net, { inputShape: [3, 3, 1] })).toThrow(/algorithm fast/);
  });
});
