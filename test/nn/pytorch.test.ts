/** @file State dicts in PyTorch's names and layouts: what is permuted, and what the report says. */
import { describe, expect, it } from "vitest";
import { noGrad } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { StateError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { lenet5, resnet20 } from "../../src/models/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, Conv2d, Flatten, Linear, loadPyTorch, Module, ReLU, Sequential } from "../../src/nn/index.js";
import type { HostArray } from "../../src/nn/state.js";
import { prepare } from "../../src/quant/prepare.js";

/** Random values for every key of a network, as a file would hold them. */
function randomState(net: Module, rng: Rng): Map<string, HostArray> {
  return new Map(
    [...net.stateDict()].map(([key, { shape, size }]) => [
      key,
      { shape: [...shape], data: Float32Array.from({ length: size }, () => rng.range(0.1, 1)) },
    ]),
  );
}

/** conv, flatten, norm, ReLU, linear in PyTorch's order: channels, rows, columns; written out. */
function torchForward(state: Map<string, HostArray>, x: Float32Array, side: number): number[] {
  const of = (key: string) => (state.get(key) as HostArray).data as Float32Array;
  const flat: number[] = [];
  for (let c = 0; c < 3; c++) {
    for (let p = 0; p < side * side; p++) {
      flat.push(x[2 * p] * of("0.weight")[2 * c] + x[2 * p + 1] * of("0.weight")[2 * c + 1] + of("0.bias")[c]);
    }
  }
  const normed = flat.map((value, i) => {
    const std = Math.sqrt(of("2.running_var")[i] + 1e-5);
    return Math.max(0, ((value - of("2.running_mean")[i]) / std) * of("2.weight")[i] + of("2.bias")[i]);
  });
  return Array.from({ length: 4 }, (_, o) =>
    normed.reduce((sum, value, i) => sum + value * of("4.weight")[o * normed.length + i], of("4.bias")[o]),
  );
}

describe("loadPyTorch", () => {
  it("gives what PyTorch would compute, through a norm between flatten and linear layer", () => {
    const [rng, side] = [new Rng(1), 3];
    using net = new Sequential(
      new Conv2d(2, 3, 1),
      new Flatten(),
      new BatchNorm1d(27),
      new ReLU(),
      new Linear(27, 4),
    ).eval();
    const state = randomState(net, rng);
    const report = loadPyTorch(net, state, { inputShape: [side, side, 2] });
    const image = { channels: 3, height: 3, width: 3 };
    expect(report.permuted.map(({ key }) => key).sort()).toEqual([
      "2.bias",
      "2.running_mean",
      "2.running_var",
      "2.weight",
      "4.weight",
    ]);
    expect(report.permuted[0].image).toEqual(image);
    expect(report).toMatchObject({ missing: [], extra: [], prefix: "" });
    expect(report.loaded).toEqual([...net.stateDict().keys()]);
    const x = Float32Array.from({ length: 18 }, () => rng.normal());
    scope(() => {
      const y = noGrad(() => net.forward(new Tensor(NDArray.from(x, [1, side, side, 2], "f32"))));
      const wanted = torchForward(state, x, side);
      Array.from(y.toTypedArray(), Number).forEach((value, i) => {
        expect(value).toBeCloseTo(wanted[i], 4);
      });
    });
  });

  it("knows LeNet-5's flatten, quantized or not, in either mode, and leaves the mode alone", () => {
    for (const quantized of [false, true]) {
      using net = lenet5({ rng: new Rng(2) });
      const state = randomState(net, new Rng(3));
      if (quantized) prepare(net, { weights: 1, activations: 4 });
      const { permuted, missing } = loadPyTorch(net, state, { inputShape: [28, 28, 1], strict: !quantized });
      expect(permuted).toEqual([{ key: "fc1.weight", image: { channels: 64, height: 4, width: 4 } }]);
      expect(missing).toEqual(quantized ? ["act1.alpha", "act2.alpha", "act3.alpha"] : []);
      expect(net.training).toBe(true);
    }
  });

  it("permutes nothing behind a global pool, and takes off the prefix of DataParallel", () => {
    using net = resnet20({ blocks: 1, rng: new Rng(4) });
    const state = new Map([...randomState(net, new Rng(5))].map(([key, array]) => [`module.${key}`, array]));
    state.set("module.bn1.num_batches_tracked", { shape: [], data: BigInt64Array.of(7n) });
    const report = loadPyTorch(net, state, { inputShape: [8, 8, 3] });
    expect(report).toMatchObject({ permuted: [], missing: [], extra: [], prefix: "module." });
    expect(net.stateDict().get("linear.bias")?.toTypedArray()).toEqual(state.get("module.linear.bias")?.data);
  });

  it.each(["module.", "_orig_mod.", "model.", "module._orig_mod.", "model._orig_mod.module."])(
    "takes off %s, and nothing that only some keys have or that the network calls its own",
    (prefix) => {
      using net = resnet20({ blocks: 1, rng: new Rng(4) });
      const state = randomState(net, new Rng(5));
      const wrapped = new Map([...state].map(([key, array]) => [prefix + key, array]));
      expect(loadPyTorch(net, wrapped, { inputShape: [8, 8, 3] }).prefix).toBe(prefix);
      expect(net.stateDict().get("linear.bias")?.toTypedArray()).toEqual(state.get("linear.bias")?.data);
      wrapped.set("epoch", { shape: [1], data: Float32Array.of(1) });
      expect(() => loadPyTorch(net, wrapped, { inputShape: [8, 8, 3] })).toThrow("missing: conv1.weight");
      class Wrapper extends Module {
        model = new Linear(2, 1);
        override forward(x: Tensor): Tensor {
          return this.model.forward(x);
        }
      }
      using own = new Wrapper();
      expect(loadPyTorch(own, randomState(own, new Rng(6)), { inputShape: [2] }).prefix).toBe("");
    },
  );

  it("lists missing and extra keys, and changes nothing on an error", () => {
    using net = lenet5({ rng: new Rng(6) });
    const before = net.stateDict().get("conv1.weight")?.toTypedArray();
    const state = randomState(net, new Rng(7));
    state.delete("bn1.bias");
    state.set("head.weight", { shape: [1], data: Float32Array.of(1) });
    expect(() => loadPyTorch(net, state, { inputShape: [28, 28, 1] })).toThrow(StateError);
    expect(() => loadPyTorch(net, state, { inputShape: [28, 28, 1] })).toThrow("missing: bn1.bias; extra: head.weight");
    expect(net.stateDict().get("conv1.weight")?.toTypedArray()).toEqual(before);
    const report = loadPyTorch(net, state, { inputShape: [28, 28, 1], strict: false });
    expect(report).toMatchObject({ missing: ["bn1.bias"], extra: ["head.weight"] });
    expect(report.loaded).not.toContain("bn1.bias");
    state.set("fc1.weight", { shape: [512, 1000], data: new Float32Array(512_000) });
    expect(() => loadPyTorch(net, state, { inputShape: [28, 28, 1], strict: false })).toThrow(
      "fc1.weight (expected [512,1024]",
    );
  });
});
