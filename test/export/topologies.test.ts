/** @file Random networks with residual blocks, joined branches and odd channel counts: the packed runtime gives training's codes. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { concat } from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { pack, verify } from "../../src/export/index.js";
import { memory } from "../../src/kernels/engine.js";
import { BasicBlock, ProjectedBlock } from "../../src/models/index.js";
import { BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, Module, ReLU, Sequential } from "../../src/nn/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { pixels, settle } from "./nets.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

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

const nets = fc.record({
  stages,
  size: fc.integer({ min: 2, max: 11 }),
  colors: fc.constantFrom(1, 3),
  weights: fc.constantFrom(1, 2, 4),
  activations: fc.integer({ min: 1, max: 8 }),
  rounding: fc.constantFrom("ceil", "nearest"),
  granularity: fc.constantFrom("layer", "channel"),
  seed: fc.nat(),
});

/** conv, BN, ReLU, the stages, global average pool, linear. Where a block widens without parameters, channels never shrink. */
function build(spec: { stages: Stage[]; colors: number }, rng: Rng): Sequential {
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
  return new Sequential(...modules, new GlobalAvgPool2d(), new Linear(width, 4, { rng }));
}

describe("random topologies", () => {
  it("give the codes of the training graph, in every layer", async () => {
    await fc.assert(
      fc.asyncProperty(nets, async ({ size, weights, activations, rounding, granularity, seed, ...spec }) => {
        const rng = new Rng(seed);
        using net = build(spec, rng);
        settle(net, rng);
        const alpha = 3 / 2 ** activations;
        prepare(net, { weights, activations: { bits: activations, rounding, alpha }, granularity });
        const shape = [size, size, spec.colors];
        const found = await verify(
          net,
          pack(net, { inputShape: shape }),
          { images: pixels(rng, 3, shape) },
          { batch: 2 },
        );
        for (const layer of found.layers) expect(layer.firstDifference, layer.name).toBeNull();
        expect(found.layers.filter(({ kind }) => kind === "codes").length).toBeGreaterThan(spec.stages.length);
      }),
      { numRuns: 60 },
    );
  });
});
