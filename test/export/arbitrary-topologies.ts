/** @file Random networks with residual blocks, joined branches and odd channel counts. */
import fc from "fast-check";
import { concat } from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import type { Rng } from "../../src/core/rng.js";
import { BasicBlock, ProjectedBlock } from "../../src/models/index.js";
import { BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, Module, ReLU, Sequential } from "../../src/nn/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { settle } from "./nets.js";

/** Two convolutions of one input that end in one ReLU, joined along the channels. */
class Branches extends Module {
  narrow: Module;
  wide: Module;
  act: Module = new ReLU();

  constructor(channels: number, left: number, right: number, rng: Rng) {
    super();
    this.narrow = new Conv2d(channels, left, 1, { rng });
    this.wide = new Conv2d(channels, right, 3, { padding: 1, rng });
  }
  override forward(x: Tensor): Tensor {
    return concat([this.act.forward(this.narrow.forward(x)), this.act.forward(this.wide.forward(x))], 3);
  }
}

interface Stage {
  kind: "basic" | "projected" | "branches";
  channels: number;
  stride: number;
}

const stages = fc.array(
  fc.record({
    kind: fc.constantFrom("basic", "projected", "branches"),
    channels: fc.constantFrom(1, 3, 5, 12, 16, 17, 20),
    stride: fc.constantFrom(1, 2),
  }) as fc.Arbitrary<Stage>,
  { minLength: 1, maxLength: 3 },
);

/** Networks to draw. */
export const topologies = fc.record({
  stages,
  size: fc.integer({ min: 2, max: 11 }),
  colors: fc.constantFrom(1, 3),
  weights: fc.constantFrom(1, 2, 4),
  activations: fc.integer({ min: 1, max: 8 }),
  rounding: fc.constantFrom("ceil", "nearest"),
  granularity: fc.constantFrom("layer", "channel"),
  seed: fc.nat(),
});

/**
 * conv, BN, ReLU, the stages, and with a head global average pool and linear. Where a block widens without parameters,
 * channels never shrink.
 */
function build(spec: { stages: Stage[]; colors: number }, rng: Rng, head: boolean): Sequential {
  let width = 6;
  const modules: Module[] = [
    new Conv2d(spec.colors, width, 3, { padding: 1, rng }),
    new BatchNorm2d(width),
    new ReLU(),
  ];
  for (const { kind, channels, stride } of spec.stages) {
    if (kind === "branches") {
      modules.push(new Branches(width, channels, 4, rng));
      width = channels + 4;
      continue;
    }
    const out = kind === "basic" ? Math.max(width, channels) : channels;
    modules.push(
      kind === "basic" ? new BasicBlock(width, out, stride, rng) : new ProjectedBlock(width, out, stride, rng),
    );
    width = out;
  }
  if (head) modules.push(new GlobalAvgPool2d(), new Linear(width, 4, { rng }));
  return new Sequential(...modules);
}

type Topology = typeof topologies extends fc.Arbitrary<infer T> ? T : never;

/** A drawn network, quantized, its batch norms at random; without a head its values are codes to the end. */
export function buildTopology(spec: Topology, rng: Rng, head: boolean): Sequential {
  const { weights, activations, rounding, granularity } = spec;
  const net = build(spec, rng, head);
  settle(net, rng);
  const alpha = 3 / 2 ** activations;
  prepare(net, { weights, activations: { bits: activations, rounding, alpha }, granularity });
  return net;
}
