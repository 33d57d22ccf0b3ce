/** @file Classifying images: the float network through the training engine, and the packed one in integers. */
import { pack } from "../../export/index.js";
import { manualSeed, noGrad, scope } from "../../index.js";
import { createSession } from "../../infer/index.js";
import { lenet5, resnet20 } from "../../models/index.js";
import type { Module } from "../../nn/index.js";
import { prepare, staircase } from "../../quant/index.js";
import { imageTensor } from "../../train/index.js";
import { type BenchOptions, filledBytes, measure } from "./harness.js";
import { RESNET18_IMAGE, ResNet18 } from "./resnet18.js";

interface Case {
  readonly image: readonly number[];
  /** Layers that stay float in the packed network. */
  readonly keepFloat: readonly string[];
  readonly batches: readonly number[];
  make(): Module;
}

const CASES = {
  lenet5: { image: [28, 28, 1], keepFloat: [], batches: [1, 64], make: lenet5 },
  resnet20: { image: [32, 32, 3], keepFloat: [], batches: [1, 64], make: resnet20 },
  resnet18: { image: RESNET18_IMAGE, keepFloat: ["first", "last"], batches: [1], make: () => new ResNet18() },
} satisfies Record<string, Case>;

/** Networks that have rows. */
export type InferModel = keyof typeof CASES;

/** Arithmetic of the rows: float through the training engine, or packed. */
const BITS = ["float", "1W4A"] as const;
type Bits = (typeof BITS)[number];

/** The name of a row: `infer resnet18 1W4A b1`. */
export const inferWork = (model: InferModel, bits: Bits, batch: number): string => `infer ${model} ${bits} b${batch}`;

/** A network that classifies a batch of bytes at each call. */
export interface Classifier {
  readonly shape: readonly number[];
  run(): void;
  dispose(): void;
}

/** Makes a network with random weights, and a batch for it. */
export function classifier(model: InferModel, bits: Bits, batch: number, seed: number): Classifier {
  const { image, keepFloat, make } = CASES[model];
  const shape = [batch, ...image];
  const input = filledBytes(shape.reduce((a, b) => a * b));
  manualSeed(seed);
  const net: Module = make().eval();
  if (bits === "float") {
    const run = (): void => scope(() => void noGrad(() => net.forward(imageTensor(input, shape))));
    return { shape, run, dispose: () => net.dispose() };
  }
  prepare(net, { weights: 1, activations: staircase({ bits: 4 }), keepFloat });
  const session = createSession(pack(net, { inputShape: image }), { maxBatch: batch });
  net.dispose();
  return { shape, run: () => void session.run(input), dispose: () => session.dispose() };
}

/** Rows such as `infer lenet5 float b1` and `infer resnet18 1W4A b1`. */
export function benchInfer(options: BenchOptions): void {
  for (const model of Object.keys(CASES) as InferModel[]) {
    for (const bits of BITS) {
      for (const batch of CASES[model].batches) {
        const work = inferWork(model, bits, batch);
        if (!options.wants(work)) continue;
        const { shape, run, dispose } = classifier(model, bits, batch, options.seed);
        measure(options, { work, shape: shape.join("x") }, { images: batch }, run);
        dispose();
      }
    }
  }
}
