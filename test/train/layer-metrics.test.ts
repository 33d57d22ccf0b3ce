/** @file Figures of layers over an epoch: of kinds that no layer has there are none, not empty ones. */
import { expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { mlp } from "../../src/models/index.js";
import { binary, prepare } from "../../src/quant/index.js";
import { LayerWatch } from "../../src/train/metrics.js";

const kinds = (quantization: { weights: ReturnType<typeof binary> | null; activations: number | null } | null) => {
  using net = mlp({ sizes: [4, 3, 2], rng: new Rng(1) });
  if (quantization !== null) prepare(net, quantization);
  return Object.keys(new LayerWatch(net).read());
};

it("of a float network there are none", () => {
  expect(kinds(null)).toEqual([]);
});

it("of quantized weights alone, and of staircases alone, there are theirs", () => {
  expect(kinds({ weights: binary(), activations: null })).toEqual(["flipRatio"]);
  expect(kinds({ weights: null, activations: 4 })).toEqual(["alpha", "saturation", "zeroShare"]);
});
