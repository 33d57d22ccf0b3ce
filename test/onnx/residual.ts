/**
 * @file Random small residual networks: what `buildNet` does not have (sums, pools of codes, padded shortcuts, several
 * readers of one value).
 */
import fc from "fast-check";
import { pad } from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import type { Rng } from "../../src/core/rng.js";
import { AvgPool2d, BatchNorm2d, Conv2d, Flatten, Identity, Linear, MaxPool2d, Module } from "../../src/nn/index.js";
import { QuantConv2d, QuantLinear } from "../../src/quant/layers.js";
import { Staircase } from "../../src/quant/staircase.js";
import { settle } from "../export/nets.js";

export interface ResidualSpec {
  weights: number;
  activations: number;
  granularity: "layer" | "channel";
  size: [number, number, number];
  width: number;
  extra: [number, number];
  stride: number;
  pool: { kernel: number; stride: number; padding: number; includePad: boolean };
  seed: number;
}

export const residualSpec: fc.Arbitrary<ResidualSpec> = fc.record({
  weights: fc.constantFrom(1, 2, 4),
  activations: fc.constantFrom(1, 2, 4),
  granularity: fc.constantFrom("layer" as const, "channel" as const),
  size: fc.tuple(fc.integer({ min: 4, max: 9 }), fc.integer({ min: 4, max: 9 }), fc.integer({ min: 1, max: 3 })),
  width: fc.integer({ min: 1, max: 7 }),
  extra: fc.tuple(fc.nat(3), fc.nat(3)),
  stride: fc.integer({ min: 1, max: 2 }),
  pool: fc.record({
    kernel: fc.integer({ min: 2, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.nat(1),
    includePad: fc.boolean(),
  }),
  seed: fc.nat(10_000),
});

/**
 * conv, BN, staircase; a block whose shortcut drops pixels and adds channels of zeros; an average of codes; two linear
 * layers.
 */
export class ResidualNet extends Module {
  conv1: Module;
  bn1: Module;
  act1: Module;
  conv2: Module;
  bn2: Module;
  subsample: Module;
  act2: Module;
  pool: Module;
  act3: Module;
  flatten: Module = new Flatten();
  fc1: Module;
  act4: Module;
  fc2: Module;
  readonly #extra: [number, number];

  constructor(spec: ResidualSpec, rng: Rng) {
    super();
    const { weights, activations, granularity, size, width, extra, stride, pool } = spec;
    const quant = { weights, granularity };
    const stairs = () => new Staircase({ bits: activations, alpha: rng.range(0.2, 1) });
    const out = width + extra[0] + extra[1];
    this.#extra = extra;
    this.conv1 = new QuantConv2d(new Conv2d(size[2], width, 3, { padding: 1, bias: false, rng }), quant);
    this.bn1 = new BatchNorm2d(width);
    this.act1 = stairs();
    this.conv2 = new QuantConv2d(new Conv2d(width, out, 3, { padding: 1, stride, rng }), quant);
    this.bn2 = new BatchNorm2d(out);
    this.subsample = stride === 1 ? new Identity() : new MaxPool2d(1, { stride });
    this.act2 = stairs();
    const [high, wide] = [Math.ceil(size[0] / stride), Math.ceil(size[1] / stride)];
    const kernel = Math.min(pool.kernel, high, wide);
    this.pool = new AvgPool2d(kernel, { stride: pool.stride, padding: pool.padding, countIncludePad: pool.includePad });
    this.act3 = stairs();
    const pooled = (n: number): number => Math.floor((n + 2 * pool.padding - kernel) / pool.stride) + 1;
    const features = pooled(high) * pooled(wide) * out;
    this.fc1 = new QuantLinear(new Linear(features, 6, { rng }), quant);
    this.act4 = stairs();
    this.fc2 = new QuantLinear(new Linear(6, 3, { bias: spec.seed % 2 === 0, rng }), quant);
    settle(this, rng);
  }

  override forward(x: Tensor): Tensor {
    const h = this.act1.forward(this.bn1.forward(this.conv1.forward(x)));
    const shortcut = pad(this.subsample.forward(h), [0, 0, 0, this.#extra]);
    const sum = this.bn2.forward(this.conv2.forward(h)).add(shortcut);
    const pooled = this.act3.forward(this.pool.forward(this.act2.forward(sum)));
    return this.fc2.forward(this.act4.forward(this.fc1.forward(this.flatten.forward(pooled))));
  }
}
