/** @file Networks as files: what travels, what goes on with the same bits, what is refused by name. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { manualSeed } from "../../src/autograd/random.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { FormatError, QuantError, StateError } from "../../src/core/errors.js";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, CrossEntropyLoss, Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { loadNetwork, saveNetwork } from "../../src/node/weights.js";
import { BCGD, SGD } from "../../src/optim/index.js";
import { prepare, type QuantPolicy } from "../../src/quant/index.js";
import { saveCheckpoint } from "../../src/train/checkpoint.js";
import { stateDigest, weightsDigest } from "../../src/train/digest.js";
import { load, save } from "../../src/train/weights-file.js";
import { legacyOf, pytorchOf, type TorchTensor } from "../io/pytorch-of.js";
import { disposeLater } from "../leaks.js";

function network(seed: number, policy?: QuantPolicy): Sequential {
  manualSeed(seed);
  const net = new Sequential(new Linear(4, 6), new BatchNorm1d(6), new ReLU(), new Linear(6, 3));
  return disposeLater(policy === undefined ? net : prepare(net, policy));
}
const LOW: QuantPolicy = { weights: 1, activations: 4 };

/** A few steps on fixed numbers. */
function train(net: Module, steps = 3): void {
  const optimizer = disposeLater(new BCGD(net.parameters(), { base: (p) => new SGD(p, { lr: 0.1 }), rho: 1e-3 }));
  const loss = new CrossEntropyLoss();
  for (let step = 0; step < steps; step++) {
    scope(() => {
      const x = new Tensor(
        NDArray.from(
          Array.from({ length: 20 }, (_, i) => Math.sin(i + step)),
          [5, 4],
        ),
      );
      const labels = new Tensor(NDArray.from([0, 1, 2, 1, 0], [5], "i32"));
      optimizer.zeroGrad();
      loss.forward(net.forward(x), labels).backward();
      optimizer.step();
    });
  }
  optimizer.zeroGrad();
}

describe("save and load", () => {
  it.each([
    ["float", undefined],
    ["1W4A", LOW],
    ["a mixed policy", { weights: 2, activations: 3, granularity: "channel", keepFloat: ["last"] } as QuantPolicy],
  ])("%s: training goes on with the same bits", (_, policy) => {
    const a = network(1, policy);
    train(a);
    const bytes = save(a);
    const b = load(bytes, network(2, policy));
    expect(weightsDigest(b)).toBe(weightsDigest(a));
    expect(save(b)).toEqual(bytes);
    train(a);
    train(b);
    expect(weightsDigest(b)).toBe(weightsDigest(a));
    expect(weightsDigest(b)).not.toBe(stateDigest(readSafetensors(bytes).tensors));
  });
  it("keeps texts of your own, and other readers see plain names", () => {
    const net = network(1);
    const { tensors, metadata } = readSafetensors(save(net, { metadata: { task: "tone" } }));
    expect([...tensors.keys()]).toEqual([...net.stateDict().keys()]);
    expect(metadata).toMatchObject({ format: "coarsegrad-weights", version: "1", task: "tone" });
    expect(() => save(net, { metadata: { format: "pt" } })).toThrow("format, version, quantization, checksum");
  });
  it("refuses another quantization by layer, and changes nothing", () => {
    const bytes = save(network(1, LOW));
    const other = network(2, { weights: 2, activations: 4 });
    const before = weightsDigest(other);
    expect(() => load(bytes, other, { file: "low.safetensors" })).toThrow(
      /low\.safetensors: the network is not quantized as the saved one was; expected layers: 0 .*binary.*3 .*got layers: 0 .*ternary/,
    );
    expect(() => load(bytes, network(2))).toThrow(/expected layers: 0 .*got layers: 0 float, .*prepare the network/);
    expect(() => load(save(network(1)), other)).toThrow(QuantError);
    expect(weightsDigest(other)).toBe(before);
  });
  it("refuses other structures, damage and later versions", () => {
    const net = network(1);
    const bytes = save(net);
    expect(() => load(bytes, disposeLater(new Sequential(new Linear(4, 6))))).toThrow(StateError);
    const flipped = bytes.slice();
    flipped[bytes.length - 1] ^= 1;
    expect(() => load(flipped, net, { file: "w" })).toThrow(/^w: damaged/);
    expect(() => load(bytes.subarray(0, 40), net)).toThrow(FormatError);
    const { tensors, metadata } = readSafetensors(bytes);
    const { checksum: _, ...rest } = metadata;
    const written = (fields: Record<string, string>): Uint8Array => writeSafetensors(tensors, fields);
    expect(() => load(written({ ...rest, version: "2" }), net)).toThrow(/unknown version.*got "2"/);
    for (const quantization of ["[]", '{"0":1}', "{", ""]) {
      expect(() => load(written({ ...rest, quantization }), net), quantization).toThrow(FormatError);
    }
  });
  it("reads checkpoints of training and plain files", () => {
    const a = network(1, LOW);
    train(a);
    const optimizer = disposeLater(new SGD(a.parameters(), { lr: 0.1 }));
    expect(weightsDigest(load(saveCheckpoint({ net: a, optimizer, epoch: 1, step: 3 }), network(2, LOW)))).toBe(
      weightsDigest(a),
    );
    // The map that a network gives is what the writer takes.
    expect(weightsDigest(load(writeSafetensors(a.stateDict()), network(3, LOW)))).toBe(weightsDigest(a));
  });
  it.each(["module.", "_orig_mod.", "model.", "model._orig_mod.module."])(
    "takes %s off the front of all keys",
    (prefix) => {
      const a = network(1);
      const entries = [...a.stateDict()].map(([name, array]) => [`${prefix}${name}`, array] as const);
      expect(weightsDigest(load(writeSafetensors(entries), network(3)))).toBe(weightsDigest(a));
      // Not of some alone.
      const some = entries.map(([name, array], i) => [i === 0 ? `x.${name}` : name, array] as const);
      expect(() => load(writeSafetensors(some), network(3))).toThrow(StateError);
    },
  );
  it("works on files, which are whole or not there", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-weights-"));
    try {
      const file = path.join(folder, "net.safetensors");
      const a = network(1, LOW);
      await saveNetwork(file, a);
      expect(readdirSync(folder)).toEqual(["net.safetensors"]);
      expect(weightsDigest(await loadNetwork(file, network(2, LOW)))).toBe(weightsDigest(a));
      await expect(loadNetwork(file, network(2))).rejects.toThrow(file);
      const torch = path.join(folder, "net.pth");
      const state = [...a.stateDict()].map(([key, array]): [string, TorchTensor] => [
        `module.${key}`,
        { storage: "Float", shape: array.shape, data: array.toTypedArray() as Float32Array },
      ]);
      for (const written of [legacyOf, pytorchOf]) {
        writeFileSync(torch, written(new Map(state)));
        expect(weightsDigest(await loadNetwork(torch, network(2, LOW), { inputShape: [4] }))).toBe(weightsDigest(a));
      }
      for (const [bytes, got] of [
        [readFileSync(torch), "an archive, as torch.save writes them"],
        [Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex"), "a checkpoint of PyTorch's before 1.6"],
      ] as const) {
        expect(() => load(bytes, a, { file: torch })).toThrow(`got ${got}; loadPyTorch(net, readPyTorch(bytes)`);
      }
      await expect(loadNetwork(torch, network(2, LOW))).rejects.toThrow(/inputShape: \[H, W, C\]/);
      await expect(loadNetwork(path.join(folder, "none"), a)).rejects.toThrow(/no such file/);
      for (const [name, hex, got] of [
        ["other.pth", "80027d7100752e01", "got a pickle that torch.save did not write"],
        ["cut.pt", "0000000000000000", "got a file that torch.save did not write"],
        ["net.h5", "894844460d0a1a0a00", "got an HDF5 file"],
      ]) {
        const foreign = path.join(folder, name);
        writeFileSync(foreign, Buffer.from(hex, "hex"));
        await expect(loadNetwork(foreign, a)).rejects.toThrow(`${foreign}: not a file of weights that is read;`);
        await expect(loadNetwork(foreign, a)).rejects.toThrow(got);
        expect(() => load(Buffer.from(hex, "hex"), a, { file: name })).toThrow(FormatError);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
