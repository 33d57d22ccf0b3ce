import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ArgumentError, FormatError, StateError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, type Verification, verify } from "../../src/export/index.js";
import { type NodeData, readPacked, writePacked } from "../../src/format/index.js";
import { type Backend, init, memory } from "../../src/kernels/index.js";
import { resnet20 } from "../../src/models/cifar-resnet.js";
import { model } from "../../src/models/index.js";
import { lenet5 } from "../../src/models/lenet.js";
import { mlp } from "../../src/models/mlp.js";
import type { Module } from "../../src/nn/index.js";
import { netSpec } from "./arbitrary-nets.js";
import { buildNet, pixels, quantize, settle } from "./nets.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

function expectIdentical(found: Verification): void {
  for (const layer of found.layers) expect(layer.firstDifference, `${layer.name} (${layer.op})`).toBeNull();
  expect(found.layers.every((layer) => layer.equal === layer.total && layer.total > 0)).toBe(true);
  expect(found.identical).toBe(true);
  expect(found.accuracyPacked).toBe(found.accuracyTraining);
}

const normalize = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25] };

describe("known networks run from a packed file with the same bits", () => {
  const vgg = () => {
    const net = model("vgg11", { rng: new Rng(3), normalize });
    quantize(net, { weights: 1, activations: 4 });
    return net;
  };
  const resnet = (keep: readonly string[], options = {}) => {
    const net = resnet20({ rng: new Rng(2), ...options });
    quantize(net, { weights: 1, activations: 4, keep });
    return net;
  };
  it.each<[string, () => Module, number[], number]>([
    ["lenet5 in float", () => lenet5({ rng: new Rng(1) }), [28, 28, 1], 10],
    ["resnet20 in float, with normalization", () => resnet20({ rng: new Rng(1), normalize }), [32, 32, 3], 10],
    ["resnet20 1W4A, all layers", () => resnet([]), [32, 32, 3], 10],
    ["resnet20 1W4A, first and last in float", () => resnet(["conv1", "linear"]), [32, 32, 3], 10],
    ["resnet20 1W4A, quantized first layer on normalized pixels", () => resnet([], { normalize }), [32, 32, 3], 10],
    ["vgg11 1W4A on normalized pixels, all layers", vgg, [32, 32, 3], 10],
  ])("%s", async (name, make, shape, classes) => {
    using net = make();
    const rng = new Rng("known");
    settle(net, rng);
    const bytes = pack(net, { inputShape: shape });
    const labels = Array.from({ length: 5 }, (_, i) => i);
    const found = await verify(net, bytes, { images: pixels(rng, 5, shape), labels }, { batch: 3 });
    expectIdentical(found);
    // Quantized layers on real numbers keep their width in the file.
    if (name.includes("all layers")) expect(summarize(bytes).weightsByBits.map(({ bits }) => bits)).toEqual([1]);
    expect(found.images).toBe(5);
    expect(found.layers.at(-1)).toMatchObject({ kind: "values", total: 5 * classes });
  });

  it.each([1, 2, 3, 4, 8])("lenet5 and an mlp with %i-bit weights, per layer and per channel", async (weights) => {
    const rng = new Rng(`bits ${weights}`);
    for (const granularity of ["layer", "channel"] as const) {
      using net = lenet5({ rng });
      using other = mlp({ sizes: [49, 20, 20, 10], rng, batchNorm: granularity === "layer" });
      for (const [model, shape] of [
        [net, [28, 28, 1]],
        [other, [7, 7, 1]],
      ] as const) {
        quantize(model, { weights, activations: 1 + ((2 * weights) % 8), granularity });
        settle(model, rng);
        const images = pixels(rng, 4, shape);
        expectIdentical(await verify(model, pack(model, { inputShape: shape }), { images, labels: [0, 1, 2, 3] }));
      }
    }
  });
});

describe.each<[Backend, number]>([
  ["wasm", 250],
  ["reference", 40],
])("random networks on the %s backend", (backend, numRuns) => {
  it("give the same codes and logits in training and from the packed file", async () => {
    init({ backend });
    let [codes, reached] = [0, 0];
    await fc.assert(
      fc.asyncProperty(netSpec, async (spec) => {
        const rng = new Rng(spec.seed);
        using net = buildNet(spec, rng);
        const bytes = pack(net, { inputShape: spec.shape });
        const images = pixels(rng, 4, spec.shape);
        const found = await verify(net, bytes, { images, labels: [0, 1, 2, 3] }, { batch: 3 });
        expectIdentical(found);
        codes += found.layers.filter(({ op }) => op === "conv" || op === "linear").length;
        reached += found.layers.filter(({ op, kind }) => op !== "maxPool" && kind === "codes").length;
      }),
      { numRuns },
    );
    // Most quantized layers end in thresholds: the property is about them.
    expect(reached).toBeGreaterThan(codes / 3);
    init({ backend: "wasm" });
  });
});

/** A quantized mlp with its packed file. */
function small(): { net: Module; bytes: Uint8Array; images: Uint8Array } {
  const rng = new Rng("small");
  const net = mlp({ sizes: [16, 12, 6], rng });
  quantize(net, { weights: 2, activations: 4 });
  settle(net, rng);
  return { net, bytes: pack(net, { inputShape: [4, 4, 1] }), images: pixels(rng, 20, [4, 4, 1]) };
}

function changed(bytes: Uint8Array, id: string, change: (data: NodeData) => NodeData): Uint8Array {
  const { plan, data } = readPacked(bytes);
  return writePacked(plan, new Map([...data, [id, change(data.get(id) as NodeData)]]));
}

describe("verify", () => {
  it("reports the first difference of each layer that a changed file gives", async () => {
    const { net, bytes, images } = small();
    using _net = net;
    // fc.0's channel 3 always at its largest code: 15 instead of what training gives.
    const broken = changed(bytes, "fc.0", (data) => {
      const { values, flip, top } = data.thresholds as NonNullable<NodeData["thresholds"]>;
      values.fill(flip[3] === 1 ? 2 ** 20 : -(2 ** 20), 3 * top, 4 * top);
      return { ...data, thresholds: { values, flip, top } };
    });
    const own = await verify(net, bytes, { images });
    expect(own.identical).toBe(true);
    expect(own.accuracyTraining).toBeNull();
    const found = await verify(net, broken, { images }, { batch: 7 });
    expect(found.identical).toBe(false);
    const [flatten, hidden, logits] = found.layers;
    expect(flatten).toMatchObject({ op: "flatten", kind: "codes", equal: 320, total: 320, firstDifference: null });
    expect(hidden.name).toBe("fc.0");
    expect(hidden.total).toBe(240);
    expect(hidden.total - hidden.equal).toBeGreaterThan(0);
    expect(hidden.total - hidden.equal).toBeLessThanOrEqual(20);
    expect(hidden.firstDifference).toMatchObject({ position: 3, got: 15 });
    expect(hidden.firstDifference?.expected).toBeLessThan(15);
    expect(logits.firstDifference?.image).toBe(hidden.firstDifference?.image);
  });

  it("counts one code of one image", async () => {
    const { net, bytes, images } = small();
    using _net = net;
    const one = images.subarray(0, 16);
    const broken = changed(bytes, "fc.1", (data) => {
      const codes = data.codes as Int8Array;
      return { ...data, codes: codes.map((code, i) => (Math.floor(i / 12) === 4 ? -code : code)) };
    });
    const found = await verify(net, broken, { images: one });
    expect(found.layers.map(({ equal, total }) => total - equal)).toEqual([0, 0, 1]);
    expect(found.layers[2].firstDifference).toMatchObject({ image: 0, position: 4 });
  });

  it("tells progress, and leaves the network as it was", async () => {
    const { net, bytes, images } = small();
    using _net = net;
    net.train();
    net.get("bn.0").training = false;
    const seen: number[] = [];
    await verify(net, bytes, { images }, { batch: 8, onProgress: ({ images: n, total }) => seen.push(n, total) });
    expect(seen).toEqual([8, 20, 16, 20, 20, 20]);
    expect(net.training).toBe(true);
    expect(net.get("bn.0").training).toBe(false);
  });

  it("refuses what does not belong together", async () => {
    const { net, bytes, images } = small();
    using _net = net;
    const rng = new Rng(3);
    using deeper = mlp({ sizes: [16, 12, 12, 6], rng });
    quantize(deeper, { weights: 2, activations: 4 });
    using wider = mlp({ sizes: [16, 14, 6], rng });
    quantize(wider, { weights: 2, activations: 4 });
    await expect(verify(deeper, bytes, { images })).rejects.toThrow(StateError);
    await expect(verify(deeper, bytes, { images })).rejects.toThrow("the packed file is of another network");
    await expect(verify(wider, bytes, { images })).rejects.toThrow(StateError);
    await expect(verify(net, bytes.subarray(0, 99), { images })).rejects.toThrow(FormatError);
    await expect(verify(net, bytes, { images: images.subarray(1) })).rejects.toThrow("a positive multiple of 16");
    await expect(verify(net, bytes, { images, labels: [1] })).rejects.toThrow(ArgumentError);
    await expect(verify(net, bytes, { images: new Float32Array(16) })).rejects.toThrow("expected u8, got f32");
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(verify(net, bytes, { images }, { signal })).rejects.toThrow("stop");
  });
});
