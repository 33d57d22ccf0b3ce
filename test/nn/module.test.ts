/** @file The module walk, state dicts, and what a failed load leaves behind. */
import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { memory } from "../../src/kernels/engine.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Module } from "../../src/nn/module.js";
import { Buffer, Parameter } from "../../src/nn/parameter.js";
import { disposeLater } from "../leaks.js";

class Leaf extends Module {
  weight: Parameter;
  runningMean: Buffer;
  scratch: Buffer;
  rng = new Rng(3);
  #hidden: Parameter | null = null;
  constructor(fill: number) {
    super();
    this.weight = new Parameter(NDArray.full([2], fill));
    this.runningMean = new Buffer(NDArray.full([3], fill + 0.5));
    this.scratch = new Buffer(NDArray.zeros([1]), { persistent: false });
  }
  hide(parameter: Parameter): void {
    this.#hidden = parameter;
  }
  get hidden(): Parameter | null {
    return this.#hidden;
  }
  override forward(x: Tensor): Tensor {
    return x;
  }
}

class Tree extends Module {
  first = new Leaf(1);
  blockList: Module[] = [new Leaf(2), new Leaf(3)];
  scale = new Parameter(NDArray.full([1], 7), { constraint: { lrScale: 0.5 } });
  notes = { weight: 1 };
  override forward(x: Tensor): Tensor {
    return x;
  }
}

function tree(): Tree {
  return disposeLater(new Tree());
}

const KEYS = [
  "scale",
  "first.weight",
  "first.running_mean",
  "block_list.0.weight",
  "block_list.0.running_mean",
  "block_list.1.weight",
  "block_list.1.running_mean",
];

describe("walk", () => {
  it("finds own properties in order, arrays by index, names in snake_case", () => {
    const net = tree();
    expect([...net.stateDict().keys()]).toEqual(KEYS);
    expect([...net.namedParameters().keys()]).toEqual(KEYS.filter((key) => !key.endsWith("mean")));
    expect([...net.namedModules().keys()]).toEqual(["", "first", "block_list.0", "block_list.1"]);
    expect(net.children()).toEqual([net.first, ...net.blockList]);
    expect([...net.namedRngs().keys()]).toEqual(["first.rng", "block_list.0.rng", "block_list.1.rng"]);
    expect(net.parameterCount()).toBe(7);
  });
  it("does not walk private fields", () => {
    const net = tree();
    const hidden = new Parameter(NDArray.zeros([1]));
    net.first.hide(hidden);
    expect(net.parameters()).not.toContain(hidden);
    expect(net.first.hidden).toBe(hidden);
    hidden.dispose();
  });
  it("lists a shared parameter once but saves it under both keys", () => {
    const net = tree();
    (net.blockList[1] as Leaf).weight.dispose();
    (net.blockList[1] as Leaf).weight = net.first.weight;
    expect(net.parameters().filter((parameter) => parameter === net.first.weight)).toHaveLength(1);
    expect(net.stateDict().get("block_list.1.weight")).toBe(net.first.weight.data);
  });
  it("survives a module that appears twice or holds its parent", () => {
    const net = tree();
    Object.assign(net.first, { parent: net });
    expect(net.modules()).toHaveLength(4);
  });
  it("replaces children by path, in fields and in lists", () => {
    const net = tree();
    const fresh = new Leaf(9);
    const old = net.replace("block_list.1", fresh);
    expect(net.blockList[1]).toBe(fresh);
    expect(net.get("block_list.1")).toBe(fresh);
    expect(net.get("")).toBe(net);
    old.dispose();
    expect(() => net.get("block_list.2")).toThrow(/nothing of that kind at "block_list.2".*block_list.0/);
  });
  it("sets modes everywhere", () => {
    const net = tree();
    expect(net.eval()).toBe(net);
    expect(net.modules().map((module) => module.training)).toEqual([false, false, false, false]);
    net.train();
    expect(net.modules().every((module) => module.training)).toBe(true);
  });
  it("sets modes through the train() of each child, and ends where modules contain each other", () => {
    class Plain extends Module {
      child: Module | null = null;
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    class Frozen extends Plain {
      override train(): this {
        return super.train(false);
      }
    }
    class Parent extends Plain {
      frozen = new Frozen();
      other = new Plain();
    }
    const net = new Parent();
    net.other.child = net;
    net.train();
    expect([net.training, net.frozen.training, net.other.training]).toEqual([true, false, true]);
    net.eval();
    expect(net.other.training).toBe(false);
  });
  it("names parameters and prints the structure", () => {
    const net = tree().nameParameters();
    expect(net.first.weight.name).toBe("first.weight");
    expect(net.toString()).toBe("Tree(\n  (first): Leaf()\n  (block_list.0): Leaf()\n  (block_list.1): Leaf()\n)");
  });
  it("outlives the scope that it was made in", () => {
    const net = scope(() => tree());
    expect(net.first.weight.toArray()).toEqual([1, 1]);
    expect(net.first.runningMean.data.alive).toBe(true);
  });
});

describe("state dicts", () => {
  const snapshot = (net: Tree) => Object.fromEntries([...net.stateDict()].map(([key, a]) => [key, a.toTypedArray()]));
  const host = (net: Tree) =>
    new Map(
      [...net.stateDict()].map(([key, a]) => [key, { shape: a.shape, data: a.toTypedArray().map((x) => x * 2) }]),
    );

  it("round trip", () => {
    const source = tree();
    source.scale.set([0.25]);
    source.first.runningMean.set([1, 2, 3]);
    const target = tree();
    const versions = target.parameters().map((parameter) => parameter.version);
    expect(target.loadStateDict(source.stateDict())).toEqual({ missing: [], extra: [] });
    expect(snapshot(target)).toEqual(snapshot(source));
    expect(target.scale.data).not.toBe(source.scale.data);
    expect(target.parameters().map((parameter) => parameter.version)).toEqual(versions.map((version) => version + 1));
  });
  it("takes records of host arrays, f64 included, and ignores PyTorch's counters", () => {
    const net = tree();
    const state = Object.fromEntries(host(net));
    state["scale"] = { shape: [1], data: new Float64Array([0.1]) };
    net.loadStateDict({ ...state, "first.num_batches_tracked": { shape: [], data: new BigInt64Array([5n]) } });
    expect(net.scale.item()).toBe(Math.fround(0.1));
    expect(net.first.weight.toArray()).toEqual([2, 2]);
  });
  it("lists everything that is wrong and changes nothing", () => {
    const net = tree();
    const before = snapshot(net);
    const state = host(net);
    state.delete("first.weight");
    state.set("fc9.weight", { shape: [1], data: new Float32Array(1) });
    state.set("block_list.0.weight", { shape: [1, 2], data: new Float32Array(2) });
    state.set("scale", { shape: [1], data: new Int8Array(1) });
    expect(() => net.loadStateDict(state)).toThrow(
      "missing: first.weight; extra: fc9.weight; mismatched: " +
        "scale (expected f32 or f64 [1], got [1] of Int8Array of 1), block_list.0.weight (expected [2], got [1,2])",
    );
    expect(snapshot(net)).toEqual(before);
  });
  it("not strict: reports missing and extra keys, still refuses shapes", () => {
    const net = tree();
    const state = host(net);
    state.delete("first.weight");
    state.set("fc9.weight", { shape: [1], data: new Float32Array(1) });
    expect(net.loadStateDict(state, { strict: false })).toEqual({ missing: ["first.weight"], extra: ["fc9.weight"] });
    expect(net.scale.item()).toBe(14);
    state.set("scale", { shape: [2], data: new Float32Array(2) });
    expect(() => net.loadStateDict(state, { strict: false })).toThrow(
      /mismatched: scale \(expected \[1\], got \[2\]\)/,
    );
  });
  it("puts random streams back", () => {
    const net = tree();
    const states = new Map([...net.namedRngs()].map(([key, rng]) => [key, rng.state()]));
    const drawn = net.first.rng.u32();
    net.first.rng.u32();
    net.loadRngs(states);
    expect(net.first.rng.u32()).toBe(drawn);
  });
});

describe("parameters and buffers", () => {
  it("refuse integers and wrong sizes", () => {
    using codes = NDArray.zeros([2], "u8");
    expect(() => new Parameter(codes)).toThrow(/parameter: not a real array; expected f32 or f64, got u8/);
    const net = tree();
    expect(() => net.scale.set([1, 2])).toThrow(/set: number of values; expected 1, got 2/);
  });
  it("free gradients with them", () => {
    const before = memory().arrays;
    const net = tree();
    net.scale.gradient = NDArray.zeros([1]);
    net.dispose();
    expect(memory().arrays).toBe(before);
  });
});
