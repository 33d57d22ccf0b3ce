/** @file Checkpoints and digests: round trips, refusals, and that names mean what they say. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { defaultRng, manualSeed } from "../../src/autograd/random.js";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, Dropout, Linear, Sequential } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/sgd.js";
import { loadCheckpoint, restoreCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.js";
import { canonicalJson, configHash, stateDigest, weightsDigest } from "../../src/train/digest.js";
import { disposeLater } from "../leaks.js";

function setUp(seed: number, width = 3) {
  manualSeed(seed);
  const net = disposeLater(new Sequential(new Linear(2, width), new BatchNorm1d(width), new Dropout(0.5)));
  const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 }));
  for (const parameter of net.parameters()) parameter.gradient = NDArray.full(parameter.shape, 0.5);
  optimizer.step();
  optimizer.zeroGrad();
  return { net, optimizer };
}

describe("checkpoints", () => {
  it("hold everything: a round trip into another network gives equal bytes", () => {
    const a = setUp(1);
    a.optimizer.lrFactor = 0.25;
    defaultRng().u32();
    const bytes = saveCheckpoint({ ...a, epoch: 3, step: 21, config: { b: 1, a: [2] } });
    const b = setUp(2);
    const checkpoint = loadCheckpoint(bytes);
    expect(checkpoint).toMatchObject({
      epoch: 3,
      step: 21,
      config: { a: [2], b: 1 },
      configHash: configHash({ a: [2], b: 1 }),
    });
    restoreCheckpoint(checkpoint, b.net, b.optimizer);
    expect(saveCheckpoint({ ...b, epoch: 3, step: 21, config: { a: [2], b: 1 } })).toEqual(bytes);
    expect(weightsDigest(b.net)).toBe(weightsDigest(a.net));
    expect(b.optimizer.lrFactor).toBe(0.25);
  });
  it("of another architecture list the keys and leave the network alone", () => {
    const a = setUp(1);
    const checkpoint = loadCheckpoint(saveCheckpoint({ ...a, epoch: 1, step: 1 }));
    const b = setUp(2, 4);
    const before = weightsDigest(b.net);
    expect(() => restoreCheckpoint(checkpoint, b.net, b.optimizer)).toThrow(
      /mismatched: 0\.weight \(expected \[4,2\], got \[3,2\]\)/,
    );
    const plain = disposeLater(new Sequential(new Linear(2, 3)));
    const optimizer = disposeLater(new SGD(plain.parameters(), { lr: 1 }));
    expect(() => restoreCheckpoint(checkpoint, plain, optimizer)).toThrow(
      /random streams of the network differ; expected none, got 2\.rng/,
    );
    expect(weightsDigest(b.net)).toBe(before);
  });
  it("whose bits flipped are refused, wherever it was; without a checksum, as earlier versions wrote them, they open", () => {
    const a = setUp(1);
    const bytes = saveCheckpoint({ ...a, epoch: 3, step: 21, config: { lr: 0.5 } });
    const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    for (const at of [start, start + 13, bytes.length - 1]) {
      const flipped = bytes.slice();
      flipped[at] ^= 1;
      expect(() => loadCheckpoint(flipped, "c")).toThrow(/c: damaged.*expected checksum [0-9a-f]{8}, got [0-9a-f]{8}/);
    }
    const { tensors, metadata } = readSafetensors(bytes);
    const written = (fields: Record<string, string>) =>
      writeSafetensors(
        [...tensors].map(([name, { shape, data }]) => ({ name, shape, data })),
        fields,
      );
    expect(() => loadCheckpoint(written({ ...metadata, epoch: "4" }))).toThrow(/damaged/);
    const { checksum, ...before } = metadata;
    expect(checksum).toMatch(/^[0-9a-f]{8}$/);
    expect(loadCheckpoint(written(before)).epoch).toBe(3);
    expect(() => loadCheckpoint(written({ ...before, config: '{"lr":0.25}' }), "c")).toThrow(
      new RegExp(`c: its configuration is not the one.*${configHash({ lr: 0.5 })}, got ${configHash({ lr: 0.25 })}`),
    );
    expect(stateDigest(loadCheckpoint(bytes).model)).toBe(weightsDigest(a.net));
  });
  it("are told from other files", () => {
    const weights = writeSafetensors([{ name: "w", shape: [1], data: new Float32Array(1) }]);
    expect(() => loadCheckpoint(weights, "w.safetensors")).toThrow(
      /w\.safetensors: not a training checkpoint; expected coarsegrad-checkpoint version 1, got no format in its metadata/,
    );
    expect(() => loadCheckpoint(weights.subarray(0, 20), "cut")).toThrow(/cut: /);
    const meta = { format: "coarsegrad-checkpoint", version: "1", epoch: "-1" };
    expect(() => loadCheckpoint(writeSafetensors([], meta))).toThrow(/bad metadata epoch.*got -1/);
  });
});

describe("digests", () => {
  it("hash keys, shapes and bytes in the order of the keys", () => {
    const net = disposeLater(new Linear(2, 1));
    net.weight.set([1, -2]);
    net.bias?.set([0.5]);
    const hash = createHash("sha256");
    hash.update("bias\0f32[1]\0").update(new Uint8Array(Float32Array.of(0.5).buffer));
    hash.update("weight\0f32[1,2]\0").update(new Uint8Array(Float32Array.of(1, -2).buffer));
    expect(weightsDigest(net)).toBe(hash.digest("hex"));
    net.weight.set([1, -2.0000002]);
    const other = weightsDigest(net);
    net.weight.set([1, -2]);
    expect(weightsDigest(net)).not.toBe(other);
  });
  it("of configurations do not depend on the order of keys", () => {
    expect(canonicalJson({ b: { d: 1, c: [{ y: 1, x: 2 }] }, a: null })).toBe(
      '{"a":null,"b":{"c":[{"x":2,"y":1}],"d":1}}',
    );
    expect(configHash({ a: 1, b: 2 })).toBe(configHash({ b: 2, a: 1 }));
    expect(configHash({ a: 1 })).not.toBe(configHash({ a: 2 }));
    expect(configHash(undefined)).toBe(configHash(null));
  });
});
