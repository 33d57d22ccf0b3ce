/** @file States of optimizers: taken whole or refused, and doors that name what came. */
import { describe, expect, it } from "vitest";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Linear } from "../../src/nn/linear.js";
import { Parameter } from "../../src/nn/parameter.js";
import { Sequential } from "../../src/nn/sequential.js";
import { Adam, BinaryRelax, cosine, oneCycle, SGD, stepLR } from "../../src/optim/index.js";
import { loadCheckpoint, restoreCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.js";
import { disposeLater } from "../leaks.js";

const one = () => disposeLater(new Parameter(NDArray.from([1, 2], [2])));
const give = (p: Parameter, values = [1, 1]) => {
  p.zeroGrad();
  p.gradient = NDArray.from(values, [2]);
};

describe("states of optimizers", () => {
  it("may be their own", () => {
    const p = one();
    const sgd = disposeLater(new SGD([p], { lr: 0.1, momentum: 0.9 }));
    give(p);
    sgd.step();
    sgd.loadStateDict(sgd.stateDict());
    expect([...(sgd.stateDict().arrays.get("0.velocity") as NDArray).toTypedArray()]).toEqual([1, 1]);
  });
  it("of a fresh one make the next step that of a fresh one", () => {
    const [a, b] = [one(), one()];
    const [used, fresh] = [a, b].map((p) => disposeLater(new Adam([p], { lr: 0.5 })));
    give(a, [3, -1]);
    used.step();
    used.loadStateDict(fresh.stateDict());
    a.set([1, 2]);
    give(a, [1, 4]);
    give(b, [1, 4]);
    used.step();
    fresh.step();
    expect(a.toArray()).toEqual(b.toArray());
  });
  it("of another kind, half ones and bad values are refused, and nothing is changed", () => {
    const p = one();
    const sgd = disposeLater(new SGD([p], { lr: 0.25, momentum: 0.5 }));
    const adam = disposeLater(new Adam([p], { lr: 1 }));
    give(p);
    adam.step();
    sgd.step();
    const good = sgd.stateDict();
    const wrong = (values: object) => ({ arrays: good.arrays, values: { ...good.values, ...values } });
    const half = { arrays: adam.stateDict().arrays, values: {} };
    expect(() => sgd.loadStateDict(adam.stateDict())).toThrow(/SGD: state 0.exp_avg is not of this optimizer/);
    expect(() => adam.loadStateDict(half)).toThrow(/the state of parameter 0 is not whole.*missing: step/);
    for (const values of [
      { "group.0.lr": Number.NaN },
      { "group.0.lr": -1 },
      { "group.1.lr": 1 },
      { "group.0.mu": 1 },
      { lrFactor: "1" },
    ]) {
      expect(() => sgd.loadStateDict(wrong(values) as never)).toThrow(/nothing was changed/);
    }
    expect(() => sgd.loadStateDict({ values: {} } as never)).toThrow(/the state has no arrays/);
    expect([sgd.lr, sgd.lrFactor, sgd.stateDict().arrays.size]).toEqual([0.25, 1, 1]);
  });
  it("that do not fit leave a network untouched too", () => {
    const make = () => disposeLater(new Sequential(new Linear(2, 2), new Linear(2, 2)));
    const a = make();
    const sgd = disposeLater(new SGD(a.parameters(), { lr: 0.1, momentum: 0.9 }));
    for (const p of a.parameters()) p.gradient = NDArray.full(p.shape, 1);
    sgd.step();
    const checkpoint = loadCheckpoint(saveCheckpoint({ net: a, optimizer: sgd, epoch: 1, step: 1 }));
    const b = make();
    const before = b.parameters().map((p) => p.toArray());
    const other = disposeLater(new SGD([(b[0] as Linear).weight], { lr: 0.1 }));
    expect(() => restoreCheckpoint(checkpoint, b, other)).toThrow(/belongs to no parameter/);
    expect(b.parameters().map((p) => p.toArray())).toEqual(before);
    for (const hostile of [undefined, null, 3, [], new Uint8Array(4), {}]) {
      expect(() => restoreCheckpoint(hostile as never, b, other)).toThrow(/restoreCheckpoint: bad/);
    }
  });
});

describe("doors", () => {
  it("name what came", () => {
    const net = disposeLater(new Linear(2, 2));
    expect(() => new Adam(net as never)).toThrow(/Adam: bad parameters.*net\.parameters\(\)/);
    expect(() => new SGD([{ params: net.parameters() }] as never, { lr: 1 })).toThrow(/params is called parameters/);
    expect(() => new SGD(net.parameters(), { lr: 1, weight_decay: 1 } as never)).toThrow(/did you mean weightDecay/);
    for (const hostile of [undefined, null, Number.NaN, "x", {}, [3], [null], new Float32Array(2)]) {
      expect(() => new SGD(hostile as never, { lr: 1 })).toThrow(/^SGD: /);
    }
  });
  it("refuse a gradient of another type before anything is stepped", () => {
    const [a, b] = [one(), one()];
    const sgd = new SGD([a, b], { lr: 1 });
    give(a);
    b.gradient = NDArray.from([1, 1], [2], "f64");
    expect(() => sgd.step()).toThrow(/SGD: the gradient of a parameter does not fit; expected f32 \[2\], got f64/);
    expect(a.toArray()).toEqual([1, 2]);
  });
  it("of schedules and BinaryRelax know their bounds", () => {
    expect(() => new BinaryRelax([one()], { lr: 1 }, { eta: -1, growEvery: 1, exactFrom: 1 })).toThrow(/bad eta/);
    for (const pctStart of [0, 1, Number.NaN]) expect(() => oneCycle({ pctStart })).toThrow(/bad pctStart/);
    expect(() => cosine({ min: 2 })).toThrow(/bad min/);
    expect(stepLR({ every: 1, gamma: 0.5 })({ step: 3, stepsPerEpoch: 1, epochs: 4 })).toBe(0.125);
  });
});
