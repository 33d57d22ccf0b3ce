/** @file QuantWatch: flips, saturation, dead codes and α traces. */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Linear, ReLU, Sequential } from "../../src/nn/index.js";
import { prepare, type QuantLinear, QuantWatch, type Staircase } from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

function network(weights: number): Sequential {
  const rng = new Rng(5);
  const net = disposeLater(new Sequential(new ReLU(), new Linear(4, 2, { rng })));
  return prepare(net, { weights, activations: 2 });
}
const feed = (net: Sequential, x: number[]): void =>
  scope(() => {
    net.forward(new Tensor(NDArray.from(x, [x.length / 4, 4], "f32")));
  });

describe("QuantWatch", () => {
  it("counts codes since the last reading", () => {
    const net = network(1);
    (net[0] as Staircase).setAlpha(0.5);
    feed(net, [9, 9, 9, 9]);
    const watch = new QuantWatch(net);
    feed(net, [-1, 0.1, 0.4, 2]);
    feed(net, [9, 9, 0, 0.5]);
    const [first] = watch.read().activations;
    expect(first).toEqual({
      ...{ name: "0", alpha: 0.5, alphaTrace: [0.5], counts: [2, 3, 0, 3], deadCodes: [2] },
      ...{ saturation: 3 / 8, zeroShare: 2 / 8 },
    });
    (net[0] as Staircase).setAlpha(0.25);
    feed(net, [0, 0, 0, 0]);
    const [second] = watch.read().activations;
    expect(second).toMatchObject({ alphaTrace: [0.5, 0.25], zeroShare: 1, saturation: 0, deadCodes: [1, 2, 3] });
    watch.stop();
    feed(net, [1, 1, 1, 1]);
    const [third] = watch.read().activations;
    expect(third.counts).toEqual([0, 0, 0, 0]);
    expect(third.saturation).toBeNaN();
  });
  it("averages flips over re-projections", () => {
    const net = network(2);
    const { weight } = net[1] as QuantLinear;
    weight.set([1, 1, 1, 1, -1, -1, -1, 0]);
    feed(net, [1, 1, 1, 1]);
    const watch = new QuantWatch(net);
    weight.set([1, 1, 1, 1, -1, -1, 1, 0]);
    feed(net, [1, 1, 1, 1]);
    weight.set([1, 1, 0, 0, 0, -1, 1, 0]);
    const [row] = watch.read().weights;
    expect(row).toEqual({
      name: "1",
      flipRatio: (1 + 3) / 2 / 8,
      zeroShare: 4 / 8,
      saturation: 4 / 8,
      delta: 1,
      frozenShare: 0,
    });
    expect(watch.read().weights[0].flipRatio).toBe(0);
  });
});
