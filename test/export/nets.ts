/** @file Networks for the tests of packing: settled, quantized, and random small ones. */

import { noGrad } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { weightTop } from "../../src/codes/levels.js";
import type { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  BatchNorm,
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  Linear,
  MaxPool2d,
  type Module,
  ReLU,
  Sequential,
} from "../../src/nn/index.js";
import { QuantConv2d, QuantLinear } from "../../src/quant/layers.js";
import type { Granularity } from "../../src/quant/quant-parameter.js";
import { Staircase } from "../../src/quant/staircase.js";

export const PIXEL_STEP = Math.fround(1 / 255);

/** Gives batch norms statistics as after training: none is the identity, some channels fall, some are constant. */
export function settle(net: Module, rng: Rng): void {
  for (const module of net.modules()) {
    if (!(module instanceof BatchNorm)) continue;
    const values = (draw: () => number): Float32Array => Float32Array.from({ length: module.features }, draw);
    module.runningMean.set(values(() => rng.normal()));
    module.runningVar.set(values(() => rng.range(0.2, 3)));
    module.weight.set(values(() => (rng.int(12) === 0 ? 0 : rng.normal())));
    module.bias.set(values(() => rng.normal()));
  }
}

export function pixels(rng: Rng, count: number, shape: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: count * shape.reduce((a, b) => a * b, 1) }, () => rng.int(256));
}

/** Puts quantized layers and staircases in the places of float ones, all but those named in `keep`. */
export function quantize(
  net: Module,
  options: { weights: number; activations: number; granularity?: Granularity; keep?: readonly string[] },
): void {
  const { weights, activations, granularity, keep = [] } = options;
  for (const [path, module] of net.namedModules()) {
    if (keep.includes(path)) continue;
    if (module instanceof Conv2d) net.replace(path, new QuantConv2d(module, { weights, granularity }));
    else if (module instanceof Linear) net.replace(path, new QuantLinear(module, { weights, granularity }));
    else if (module instanceof ReLU)
      net.replace(path, new Staircase({ bits: activations, alpha: 1.5 / 2 ** activations }));
  }
}

/** One hidden layer of a random network. */
export interface LayerSpec {
  weightBits: number;
  activationBits: number;
  granularity: Granularity;
  rounding: "ceil" | "nearest";
  channels: number;
  kernel: number;
  stride: number;
  padding: number;
  dilation: number;
  groups: boolean;
  bias: boolean;
  norm: boolean;
  pool: boolean;
}

/** A random network and the shape that it takes. */
export interface NetSpec {
  shape: [number, number, number];
  convs: LayerSpec[];
  linears: LayerSpec[];
  seed: number;
}

/** The wanted width, or a narrower one where sums of codes could leave the integers that f32 holds. */
function fitting(bits: number, inputs: number, inputTop: number): number {
  return inputs * inputTop * weightTop(bits) <= 2 ** 24 ? bits : inputs * inputTop * 7 <= 2 ** 24 ? 4 : 1;
}

/**
 * Convolutions, then linear layers, then a last linear layer without activation. Layers that do not fit are left out.
 */
export function buildNet({ shape, convs, linears, seed }: NetSpec, rng: Rng): Sequential {
  const modules: Module[] = [];
  const sample = pixels(rng, 3, shape);
  let [h, w, c] = shape;
  let top = 255;
  const activate = (spec: LayerSpec, width: number, rank: 1 | 2): void => {
    if (spec.norm) modules.push(rank === 1 ? new BatchNorm1d(width) : new BatchNorm2d(width));
    top = 2 ** spec.activationBits - 1;
    const prefix = new Sequential(...modules);
    settle(prefix, rng);
    modules.push(
      new Staircase({
        bits: spec.activationBits,
        rounding: spec.rounding,
        alpha: stepFor(prefix, sample, shape, spec, rng),
      }),
    );
  };
  for (const spec of convs) {
    const span = (n: number): number => n + 2 * spec.padding - spec.dilation * (spec.kernel - 1);
    if (span(h) < 1 || span(w) < 1) continue;
    const { kernel, stride, padding, dilation, bias } = spec;
    // Channels stay so few that a linear layer behind them has no more inputs than the format takes.
    const groups = spec.groups && spec.channels * c <= 100 ? c : 1;
    const channels = spec.channels * groups;
    const conv = new Conv2d(c, channels, kernel, { stride, padding, dilation, bias, groups, rng });
    modules.push(
      new QuantConv2d(conv, {
        weights: fitting(spec.weightBits, (kernel * kernel * c) / groups, top),
        granularity: spec.granularity,
      }),
    );
    [h, w, c] = [Math.floor((span(h) - 1) / stride) + 1, Math.floor((span(w) - 1) / stride) + 1, channels];
    activate(spec, c, 2);
    if (spec.pool && h >= 2 && w >= 2) {
      modules.push(new MaxPool2d(2, { stride: 1 + (seed % 2), padding: seed % 3 === 0 ? 1 : 0 }));
      const pooled = (n: number): number => Math.floor((n + (seed % 3 === 0 ? 2 : 0) - 2) / (1 + (seed % 2))) + 1;
      [h, w] = [pooled(h), pooled(w)];
    }
  }
  modules.push(new Flatten());
  let features = h * w * c;
  for (const spec of linears) {
    const layer = new Linear(features, spec.channels, { bias: spec.bias, rng });
    modules.push(
      new QuantLinear(layer, { weights: fitting(spec.weightBits, features, top), granularity: spec.granularity }),
    );
    features = spec.channels;
    activate(spec, features, 1);
  }
  const last = linears.at(-1) ?? convs.at(-1);
  modules.push(
    new QuantLinear(new Linear(features, 5, { bias: last?.bias ?? true, rng }), {
      weights: fitting(last?.weightBits ?? 1, features, top),
    }),
  );
  return new Sequential(...modules);
}

/** A step that spreads the pre-activations of a sample over the codes, with some above the last one. */
function stepFor(prefix: Module, sample: Uint8Array, shape: readonly number[], spec: LayerSpec, rng: Rng): number {
  return scope(() =>
    noGrad(() => {
      const x = new Tensor(NDArray.from(sample, [3, ...shape], "u8", PIXEL_STEP));
      const values = prefix.eval().forward(x).toTypedArray() as Float32Array;
      const largest = values.reduce((most, value) => Math.max(most, value), 0);
      return Math.max(1e-4, (largest / (2 ** spec.activationBits - 1)) * rng.range(0.3, 1.1));
    }),
  );
}
