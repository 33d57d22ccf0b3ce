/** @file Networks of sequences: quantized, calibrated, packed, and the same bits in the packed runtime. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { concat } from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, verify } from "../../src/export/index.js";
import { readPacked } from "../../src/format/index.js";
import { createSession } from "../../src/infer/index.js";
import { summary, weightCodes } from "../../src/inspect/index.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  AvgPool1d,
  BatchNorm1d,
  Conv1d,
  Flatten,
  GlobalAvgPool1d,
  Linear,
  MaxPool1d,
  Module,
  ReLU,
  Sequential,
} from "../../src/nn/index.js";
import { calibrate, comq, prepare, QuantConv1d, quantReport, recalibrateBatchNorm } from "../../src/quant/index.js";
import { load, save } from "../../src/train/index.js";
import { pixels, settle } from "./nets.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

function soundNet(rng: Rng, { groups = 1, kernel = 3, stride = 1, dilation = 1, flat = false } = {}): Sequential {
  return new Sequential(
    new Conv1d(2, 4, kernel, { padding: "same", rng }),
    new BatchNorm1d(4),
    new ReLU(),
    new MaxPool1d(2, { stride }),
    new Conv1d(4, 4, kernel, { padding: [1, 2], stride, dilation, groups, rng }),
    new ReLU(),
    new AvgPool1d(2, { stride: 1 }),
    new Conv1d(4, 6, 1, { rng }),
    new ReLU(),
    ...(flat ? [new Flatten(), new Linear(flatWidth(kernel, stride, dilation) * 6, 3, { rng })] : []),
    ...(flat ? [] : [new GlobalAvgPool1d(), new Linear(6, 3, { rng })]),
  );
}

function flatWidth(kernel: number, stride: number, dilation: number): number {
  const pooled = Math.floor((16 - 2) / stride) + 1;
  return Math.floor((pooled + 3 - dilation * (kernel - 1) - 1) / stride);
}

describe("networks over time", () => {
  it("run from a packed file with training's bits, whatever widths", async () => {
    const cases = fc.record({
      weights: fc.option(fc.integer({ min: 1, max: 8 })),
      activations: fc.integer({ min: 1, max: 8 }),
      groups: fc.constantFrom(1, 2, 4),
      kernel: fc.integer({ min: 1, max: 4 }),
      stride: fc.integer({ min: 1, max: 2 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      granularity: fc.constantFrom("layer" as const, "channel" as const),
      flat: fc.boolean(),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ weights, activations, granularity, seed, ...shape }) => {
        const rng = new Rng(seed);
        using net = soundNet(rng, shape);
        // An average is a real number: the last one multiplies its codes in float.
        if (weights !== null) prepare(net, { weights, activations, granularity });
        settle(net, rng);
        const bytes = pack(net, { inputShape: [16, 2] });
        const found = await verify(net, bytes, { images: pixels(rng, 3, [16, 2]), labels: [0, 1, 2] }, { batch: 2 });
        for (const layer of found.layers) expect(layer.firstDifference, `${layer.name} (${layer.op})`).toBeNull();
        expect(found.identical).toBe(true);
        const { plan } = readPacked(bytes);
        expect(plan.input.shape).toEqual([16, 2]);
        const convs = plan.nodes.filter(({ op }) => op === "conv" || op === "floatConv");
        expect(convs.map((node) => "kernel" in node && node.kernel[0])).toEqual([1, 1, 1]);
        // An average is a real number: the last one multiplies its codes in float.
        if (weights !== null) expect(convs.map(({ op }) => op)).toEqual(["conv", "conv", "floatConv"]);
      }),
      { numRuns: 40 },
    );
  });

  it("give sequences where the network does, and take real ones", async () => {
    const rng = new Rng(5);
    using net = new Sequential(new Conv1d(3, 4, 3, { rng }), new ReLU(), new Conv1d(4, 2, 2, { stride: 2, rng }));
    const bytes = pack(net, { inputShape: [9, 3], inputType: "f32" });
    using session = createSession(bytes);
    expect([session.inputShape, session.outputShape]).toEqual([
      [9, 3],
      [3, 2],
    ]);
    const images = Float32Array.from({ length: 2 * 27 }, () => rng.normal());
    expect((await verify(net, bytes, { images })).identical).toBe(true);
  });

  it("are sliced, padded, joined and lifted from rows", async () => {
    class Mixed extends Module {
      readonly first = new Conv1d(1, 3, 3, { rng: new Rng(1) });
      readonly second = new Conv1d(6, 2, 2, { rng: new Rng(2) });
      override forward(x: Tensor): Tensor {
        const y = this.first.forward(x.reshape([x.shape[0], x.shape[1], 1]));
        const cut = y.slice(null, [1, null, 2]);
        const both = [cut, cut.relu()].map((part) => part.add(part));
        return this.second.forward(joined(both));
      }
    }
    using net = new Mixed();
    net.nameParameters();
    const bytes = pack(net, { inputShape: [12] });
    expect((await verify(net, bytes, { images: pixels(new Rng(3), 2, [12]) })).identical).toBe(true);
    expect(readPacked(bytes).plan.nodes.map(({ op }) => op)).toContain("slice");
  });

  it("are quantized as a layer: report, codes, calibration, COMQ, saved weights", async () => {
    const rng = new Rng(6);
    using net = soundNet(rng);
    prepare(net, { weights: 2, activations: 4, keepFloat: ["last"] });
    expect(net.get("0")).toBeInstanceOf(QuantConv1d);
    expect(`${net.get("0")}`).toMatch(/^QuantConv1d\(2 → 4, 3, padding same, 2-bit /);
    const source = [0, 1].map(() => ({ images: pixels(rng, 8, [16, 2]), shape: [8, 16, 2] }));
    await calibrate(net, source);
    const solved = await comq(net, source, { batches: 2 });
    expect(solved.map(({ name }) => name)).toEqual(["0", "4", "7"]);
    for (const { before, after } of solved) expect(after).toBeLessThanOrEqual(before);
    expect(solved.some(({ before, after }) => after < before)).toBe(true);
    await recalibrateBatchNorm(net, source);
    expect(weightCodes(net.get("0")).shape).toEqual([4, 2, 3]);
    expect(
      quantReport(net)
        .layers.filter(({ kind }) => kind === "conv")
        .map(({ weightBits }) => weightBits),
    ).toEqual([2, 2, 2]);
    const step = Math.fround(1 / 255);
    const { layers } = summary(net, { shape: [16, 2], dtype: "u8", step });
    expect(layers[0]).toMatchObject({ kind: "QuantConv1d", macs: 16 * 4 * 3 * 2 });
    using other = soundNet(new Rng(7));
    prepare(other, { weights: 2, activations: 4, keepFloat: ["last"] });
    expect(() => load(save(net), other)).toThrow(/quantized/);
    expect(summarize(pack(net, { inputShape: [16, 2] })).layers.map(({ macs }) => macs)).toContain(16 * 4 * 3 * 2);
  });

  it("train with coarse gradients that reach the latent weights", () => {
    const rng = new Rng(8);
    using net = soundNet(rng);
    prepare(net, { weights: 1, activations: 4 });
    scope(() => {
      const x = new Tensor(NDArray.from(pixels(rng, 4, [16, 2]), [4, 16, 2], "u8", Math.fround(1 / 255)));
      net.forward(x).sum().backward();
    });
    const conv = net.get("4") as QuantConv1d;
    expect(conv.weight.grad?.shape).toEqual([4, 4, 3]);
    net.zeroGrad();
  });
});

function joined(parts: readonly Tensor[]): Tensor {
  return concat(parts, -1);
}
