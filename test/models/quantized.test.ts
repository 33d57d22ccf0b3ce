/**
 * @file The paper's CIFAR networks, quantized: a step for every activation, a code for every weight, widths as the
 * paper has them.
 */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { model } from "../../src/models/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { QuantParameter } from "../../src/quant/quant-parameter.js";
import { disposeLater } from "../leaks.js";

const quantized = (name: string) =>
  prepare(disposeLater(model(name, { rng: new Rng(1), normalize: { mean: [0, 0, 0], std: [1, 1, 1] } })), {
    weights: 1,
    activations: 4,
  });

describe("quantized networks of the paper", () => {
  it("resnet20: 19 activations, each with a step of its own; 19 convolutions and the classifier quantized", () => {
    const parameters = [...quantized("resnet20").namedParameters()];
    const steps = parameters.filter(([key]) => key.endsWith("alpha")).map(([key]) => key);
    expect(steps).toHaveLength(19);
    expect(steps.slice(0, 3)).toEqual(["act1.alpha", "layer1.0.act1.alpha", "layer1.0.act2.alpha"]);
    expect(parameters.filter(([, parameter]) => parameter instanceof QuantParameter)).toHaveLength(20);
  });
  it("vgg11: 64, 128, 256, 256, 512, 512, 512, 512, then 512 → 10; eight steps", () => {
    const parameters = [...quantized("vgg11").namedParameters()];
    const weights = parameters.filter(([, parameter]) => parameter instanceof QuantParameter);
    expect(weights.map(([, { shape }]) => shape.slice(0, 2))).toEqual([
      ...[
        [64, 3],
        [128, 64],
        [256, 128],
        [256, 256],
        [512, 256],
        [512, 512],
        [512, 512],
        [512, 512],
      ],
      [10, 512],
    ]);
    expect(parameters.filter(([key]) => key.endsWith("alpha"))).toHaveLength(8);
  });
});
