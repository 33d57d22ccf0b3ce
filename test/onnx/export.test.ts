/** @file Exported files in the runtimes that people use: the same codes and the same logits as training, bit by bit. */
import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { pad, relu, reshape, slice } from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, QuantError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { DataLoader, digits } from "../../src/data/index.js";
import { pack } from "../../src/export/index.js";
import { readPacked, writePacked } from "../../src/format/index.js";
import { createSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/index.js";
import { lenet5, mlp, model } from "../../src/models/index.js";
import { Conv2d, Flatten, Linear, Module, ReLU, Sequential, Softmax } from "../../src/nn/index.js";
import { decodeModel } from "../../src/onnx/codec.js";
import { exportOnnx, exportPackedOnnx, type OnnxOptions } from "../../src/onnx/index.js";
import { BCGD } from "../../src/optim/index.js";
import { calibrate, prepare } from "../../src/quant/index.js";
import { fit as fitNet } from "../../src/train/index.js";
import { netSpec } from "../export/arbitrary-nets.js";
import { buildTopology, topologies } from "../export/arbitrary-topologies.js";
import { buildNet, pixels, quantize, settle } from "../export/nets.js";
import { channelsLast, expectAgreement, expectSameBits, relativeError, trainingValues } from "./agreement.js";
import { ResidualNet, residualSpec } from "./residual.js";
import { hasNative, nativeRuntime, type Runtime, webRuntime } from "./runtimes.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

/** A network of one function. */
class Fn extends Module {
  readonly #fn: (x: Tensor) => Tensor;
  constructor(fn: (x: Tensor) => Tensor) {
    super();
    this.#fn = fn;
  }
  override forward(x: Tensor): Tensor {
    return this.#fn(x);
  }
}
const flatten = (x: Tensor): Tensor => reshape(x, [x.shape[0], -1]);

const RUNTIMES: readonly [string, boolean, () => Promise<Runtime>][] = [
  ["onnxruntime-web", true, webRuntime],
  ["onnxruntime-node (installed by npm run bench:peers)", hasNative, nativeRuntime],
];

for (const [name, present, open] of RUNTIMES) {
  describe.skipIf(!present)(name, () => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await open();
    });

    it("gives training's codes and logits for random networks, however the file is written", async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(
          netSpec,
          fc.boolean(),
          fc.constantFrom("integer" as const, "float" as const),
          fc.boolean(),
          async (spec, packed, arithmetic, optimize) => {
            const rng = new Rng(spec.seed);
            using net = buildNet(spec, rng).eval();
            const images = pixels(rng, 3, spec.shape);
            compared += await expectAgreement(runtime, net, images, spec.shape, { pack: packed, arithmetic, optimize });
          },
        ),
        { numRuns: 30 },
      );
      expect(compared).toBeGreaterThan(1000);
    });

    it("gives training's codes and logits for random residual networks", async () => {
      await fc.assert(
        fc.asyncProperty(residualSpec, fc.boolean(), async (spec, packed) => {
          const rng = new Rng(spec.seed);
          using net = new ResidualNet(spec, rng).eval();
          const images = pixels(rng, 3, spec.size);
          await expectAgreement(runtime, net, images, spec.size, { pack: packed });
        }),
        { numRuns: 30 },
      );
    });

    it("gives training's codes for random topologies: blocks with projections, joined branches, padded shortcuts", async () => {
      await fc.assert(
        fc.asyncProperty(topologies, fc.boolean(), async (spec, packed) => {
          const rng = new Rng(spec.seed);
          using net = buildTopology(spec, rng, false).eval();
          const shape = [spec.size, spec.size, spec.colors];
          await expectAgreement(runtime, net, pixels(rng, 2, shape), shape, { pack: packed });
        }),
        { numRuns: 30 },
      );
    });

    it("runs packed models with the packed runtime's logits", async () => {
      await fc.assert(
        fc.asyncProperty(netSpec, fc.boolean(), async (spec, packed) => {
          const rng = new Rng(spec.seed);
          using net = buildNet(spec, rng).eval();
          const images = pixels(rng, 3, spec.shape);
          await expectPackedAgreement(runtime, pack(net, { inputShape: spec.shape }), images, { pack: packed });
        }),
        { numRuns: 30 },
      );
    });

    it("counts thresholds that lie on no straight line, rising and falling", async () => {
      using net = lenet5({ rng: new Rng(4), size: 16 });
      quantize(net, { weights: 2, activations: 4 });
      settle(net, new Rng(5));
      const { plan, data } = readPacked(pack(net, { inputShape: [16, 16, 1] }));
      const bent = new Map(data);
      let falling = 0;
      for (const [id, own] of data) {
        if (own.thresholds === undefined) continue;
        const { values, flip, top } = own.thresholds;
        falling += flip.filter((falls) => falls === 1).length;
        const moved = values.map((_, i) => (flip[Math.floor(i / top)] === 0 ? 1 : -1) * (i % top) * ((i % top) - 3));
        for (let c = 0; c < flip.length; c++)
          moved.subarray(c * top, (c + 1) * top).sort((a, b) => (flip[c] === 0 ? a - b : b - a));
        bent.set(id, { ...own, thresholds: { values: moved, flip, top } });
      }
      expect(falling).toBeGreaterThan(0);
      const bytes = writePacked(plan, bent);
      const operators = decodeModel(exportPackedOnnx(bytes), "test").graph?.node?.map(({ opType }) => opType);
      expect(operators?.filter((op) => op === "GreaterOrEqual").length).toBe(3);
      await expectPackedAgreement(runtime, bytes, pixels(new Rng(6), 3, [16, 16, 1]), {});
    });

    it.each(["1W4A", "2W4A", "4W4A"])("runs lenet5, mlp, resnet20, vgg11 and MobileNets %s", async (bits) => {
      for (const [of, shape, size] of MODELS) {
        const rng = new Rng(`${of} ${bits}`);
        using net = model(of, { classes: 10, channels: shape[2], size, rng });
        quantize(net, { weights: Number(bits[0]), activations: 4 });
        settle(net, rng);
        net.eval();
        const images = pixels(rng, 2, shape);
        if (!/resnet20|mobilenet/.test(of)) {
          await expectAgreement(runtime, net, images, shape, { pack: true });
          continue;
        }
        // The last layer multiplies means, real numbers: runtimes may sum those in another order.
        const { layers, output } = trainingValues(net, images, shape);
        const session = await runtime.load(exportOnnx(net, { inputShape: shape, intermediates: true }));
        const found = await session.run(images, [2, ...shape]);
        await session.release();
        const means = [...layers].find(([, { op }]) => op === "avgPool")!;
        expectSameBits(found.get(means[0])!.data, means[1].data, "means of the last codes");
        expect(relativeError(found.get("output")!.data, output)).toBeLessThan(1e-6);
      }
    });

    it("pads and cuts images, of codes and of real numbers, in each axis and with steps", async () => {
      const shape = [5, 6, 3];
      const cut = (x: Tensor): Tensor => slice(pad(x, [0, [1, 2], [0, 3], 0]), null, [1, null, 2], [null, 7], [1, 3]);
      for (const fn of [cut, (x: Tensor) => cut(relu(x)), (x: Tensor) => slice(flatten(x), null, [2, 80, 5])]) {
        using net = new Fn(fn);
        const images = pixels(new Rng("cut"), 2, shape);
        expect(await expectAgreement(runtime, net, images, shape)).toBeGreaterThan(0);
        const reals = Float32Array.from(images, (value) => value / 7 - 10);
        expect(await expectAgreement(runtime, net, reals, shape)).toBeGreaterThan(0);
        const operators = decodeModel(exportOnnx(net, { inputShape: shape }), "test").graph?.node?.map(
          (node) => node.opType,
        );
        expect(operators).toContain("Slice");
        await expectPackedAgreement(runtime, pack(net, { inputShape: shape }), images, {});
      }
    });

    it("runs float networks to rounding", async () => {
      for (const [of, shape, size] of MODELS) {
        const rng = new Rng(of);
        using net = model(of, { classes: 10, channels: shape[2], size, rng }).eval();
        settle(net, rng);
        for (const images of [
          pixels(rng, 2, shape),
          Float32Array.from({ length: 2 * shape[0] * shape[1] * shape[2] }, () => rng.normal()),
        ]) {
          const expected = trainingValues(net, images, shape).output;
          const inputType = images instanceof Uint8Array ? ("u8" as const) : ("f32" as const);
          const session = await runtime.load(exportOnnx(net, { inputShape: shape, inputType }));
          const found = await session.run(images, [2, ...shape]);
          await session.release();
          expect(relativeError(found.get("output")!.data, expected)).toBeLessThan(1e-4);
        }
      }
    });

    it("runs a trained network, float layers beside quantized ones", async () => {
      const { train, test } = digits({ train: 600, test: 100, seed: 3 });
      using net = lenet5({ rng: new Rng(5) });
      prepare(net, { weights: 1, activations: 4, granularity: "channel" });
      await calibrate(net, new DataLoader(train, { batch: 64, shuffle: true, seed: 1 }).epoch(0), { batches: 4 });
      using optimizer = new BCGD(net.parameters(), { lr: 0.02, momentum: 0.9, rho: 1e-5 });
      await fitNet(net, train, { epochs: 1, optimizer, batch: 64 });
      net.eval();
      const images = test.images.slice(0, 50 * 28 * 28);
      await expectAgreement(runtime, net, images, [28, 28, 1], { pack: true });

      using mixed = new Sequential(
        new Conv2d(1, 6, 5, { stride: 2, rng: new Rng(6) }),
        new ReLU(),
        new Conv2d(6, 8, 3, { rng: new Rng(7) }),
        new ReLU(),
        new Flatten(),
        new Linear(8 * 10 * 10, 10, { rng: new Rng(8) }),
      );
      prepare(mixed, { weights: 2, activations: 4, keepFloat: ["first", "last"] });
      mixed.eval();
      const { layers, output } = trainingValues(mixed, images, [28, 28, 1]);
      const bytes = exportOnnx(mixed, { inputShape: [28, 28, 1] });
      const session = await runtime.load(bytes);
      const found = await session.run(images, [50, 28, 28, 1]);
      await session.release();
      expect([...layers.values()].map(({ op }) => op)).toEqual([
        "floatConv",
        "staircase",
        "conv",
        "staircase",
        "flatten",
        "floatLinear",
      ]);
      // A float sum that differs in its last bit may fall on the other side of a step: one code of thousands.
      expect(relativeError(found.get("output")!.data, output)).toBeLessThan(0.05);
    });
  });
}

/** Runs a packed model by both runtimes and compares every value. */
async function expectPackedAgreement(
  runtime: Runtime,
  packed: Uint8Array,
  images: Uint8Array,
  options: OnnxOptions,
): Promise<void> {
  using own = createSession(packed);
  const session = await runtime.load(exportPackedOnnx(packed, { ...options, intermediates: true }));
  const count = images.length / own.inputShape.reduce((a, b) => a * b, 1);
  const found = await session.run(images, [count, ...own.inputShape]);
  await session.release();
  const output = own.runTraced(images, ({ id, op, type, data }) => {
    if (op === "input" || op === "flatten") return;
    expectSameBits(channelsLast(found.get(id)!.data, type.shape), data, `${runtime.name}, ${id} (${op})`);
  });
  expectSameBits(found.get("output")!.data, output, runtime.name);
}

const MODELS: readonly [string, [number, number, number], number][] = [
  ["lenet5", [28, 28, 1], 28],
  ["mlp", [7, 7, 1], 7],
  ["resnet20", [16, 16, 3], 16],
  ["vgg11", [32, 32, 3], 32],
  ["mobilenetv1-0.25", [16, 16, 3], 16],
  ["mobilenetv2-0.35", [16, 16, 3], 16],
];

describe("files", () => {
  const small = (): Module => {
    const net = mlp({ sizes: [49, 200, 10], rng: new Rng(1) });
    quantize(net, { weights: 1, activations: 4 });
    return net.eval();
  };

  it("hold standard operators of opset 21 alone, and the same bytes for the same network", () => {
    using net = small();
    const bytes = exportOnnx(net, { inputShape: [7, 7, 1], classes: Array.from("abcdefghij") });
    const { irVersion, opsetImport, graph, metadataProps, producerName } = decodeModel(bytes, "test");
    expect([irVersion, opsetImport, producerName]).toEqual([10, [{ domain: "", version: 21 }], "coarsegrad"]);
    expect(new Set(graph?.node?.map(({ domain }) => domain))).toEqual(new Set([undefined]));
    expect(metadataProps).toEqual([{ key: "classes", value: JSON.stringify(Array.from("abcdefghij")) }]);
    expect(graph?.input?.[0].type?.tensorType).toEqual({
      elemType: 2,
      shape: { dim: [{ dimParam: "N" }, { dimValue: 7 }, { dimValue: 7 }, { dimValue: 1 }] },
    });
    expect(exportOnnx(net, { inputShape: [7, 7, 1], classes: Array.from("abcdefghij") })).toEqual(bytes);
  });

  it("keep weights as bits if asked to", () => {
    const weights = 49 * 200 + 200 * 10;
    using net = small();
    const size = (pack: boolean): number => exportOnnx(net, { inputShape: [7, 7, 1], pack }).length;
    const [bytes, bits] = [size(false), size(true)];
    expect(bytes).toBeGreaterThan(weights);
    // The graph, scales and batch norm take the rest.
    expect(bits).toBeLessThan(weights / 8 + 5000);
  });

  it("are refused for what has no counterpart, and for unknown options", () => {
    using net = new Sequential(new Flatten(), new Softmax());
    expect(() => exportOnnx(net, { inputShape: [2, 2, 1] })).toThrow(QuantError);
    using good = small();
    const arithmetic = "decimal" as "float";
    expect(() => exportOnnx(good, { inputShape: [7, 7, 1], arithmetic })).toThrow(ArgumentError);
  });
});
