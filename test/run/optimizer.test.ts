/** @file Which optimizer the settings stand for, seen by what its steps do. */
import { describe, expect, it } from "vitest";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Linear } from "../../src/nn/index.js";
import { runConfig, type Settings } from "../../src/run/index.js";
import { optimizerFor } from "../../src/run/quantize.js";
import { disposeLater } from "../leaks.js";

/** How far a weight has moved whose gradient is 1 in each step. */
function movedAfter(steps: number, settings: Settings): number {
  const { weight } = disposeLater(new Linear(1, 1, { bias: false }));
  const [start] = weight.toTypedArray();
  const net = { parameters: () => [weight] } as unknown as Linear;
  const optimizer = optimizerFor(net, runConfig({ weightDecay: 0, ...settings }), 10);
  for (let t = 0; t < steps; t++) {
    weight.zeroGrad();
    weight.gradient = NDArray.from([1], [1, 1]);
    optimizer.step();
  }
  weight.zeroGrad();
  optimizer.dispose();
  return start - weight.toTypedArray()[0];
}

describe("the optimizer of settings", () => {
  it("moves by the velocity, with nesterov by the gradient and momentum times the velocity", () => {
    const sgd = { optimizer: "sgd", lr: 0.125, momentum: 0.5 } as const;
    // Velocities 1 and 1.5.
    expect(movedAfter(2, sgd)).toBeCloseTo(0.125 * (1 + 1.5), 5);
    expect(movedAfter(2, { ...sgd, nesterov: true })).toBeCloseTo(0.125 * (1.5 + 1.75), 5);
  });
});
