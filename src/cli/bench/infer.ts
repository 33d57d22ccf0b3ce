/** @file Classifying images: the float network through the training engine, and the packed one in integers. */
import { pack } from "../../export/index.js";
import { manualSeed, noGrad, scope } from "../../index.js";
import { createSession } from "../../infer/index.js";
import { alexnet, lenet5, mobilenetv1, mobilenetv2, resnet18, resnet20, resnet56, vgg11 } from "../../models/index.js";
import type { Module } from "../../nn/index.js";
import { type LayerPolicy, prepare, staircase } from "../../quant/index.js";
import { imageTensor } from "../../train/index.js";
import { type BenchOptions, filledBytes, measure, round, timed } from "./harness.js";

interface Case {
  readonly image: readonly number[];
  /**
   * Layers that are quantized to other widths in the packed network: the first and the last one, which runtimes in
   * bytes keep in float.
   */
  readonly perLayer?: Readonly<Record<string, LayerPolicy>>;
  readonly batches: readonly number[];
  make(): Module;
}

/** 8-bit weights. */
const BYTES: LayerPolicy = { weights: 8 };
const IMAGENET = [224, 224, 3];
const CIFAR = [32, 32, 3];

const CASES = {
  lenet5: { image: [28, 28, 1], batches: [1, 64], make: lenet5 },
  resnet20: { image: CIFAR, perLayer: { conv1: BYTES, linear: BYTES }, batches: [1, 64], make: resnet20 },
  resnet56: { image: CIFAR, perLayer: { conv1: BYTES, linear: BYTES }, batches: [1], make: resnet56 },
  vgg11: { image: CIFAR, perLayer: { "features.0": BYTES, classifier: BYTES }, batches: [1, 64], make: vgg11 },
  resnet18: { image: IMAGENET, perLayer: { conv1: BYTES, fc: BYTES }, batches: [1], make: resnet18 },
  alexnet: {
    image: IMAGENET,
    perLayer: { "features.0": BYTES, "classifier.6": BYTES },
    batches: [1],
    make: alexnet,
  },
  "mobilenetv1-0.25": {
    image: IMAGENET,
    perLayer: { "model.0.0": BYTES, fc: BYTES },
    batches: [1],
    make: () => mobilenetv1({ width: 0.25 }),
  },
  "mobilenetv2-0.35": {
    image: IMAGENET,
    perLayer: { "features.0.0": BYTES, "classifier.1": BYTES },
    batches: [1],
    make: () => mobilenetv2({ width: 0.35 }),
  },
} satisfies Record<string, Case>;

/** Networks that have rows. */
export type InferModel = keyof typeof CASES;

/** Arithmetic of the rows: float through the training engine, or packed, by width of the weights. */
const WIDTHS = { float: null, "1W4A": 1, "2W4A": 2, "4W4A": 4 } as const;
type Bits = keyof typeof WIDTHS;

/** The name of a row: `infer resnet18 1W4A b1`. */
export const inferWork = (model: InferModel, bits: Bits, batch: number): string => `infer ${model} ${bits} b${batch}`;

/** A network that classifies a batch of bytes at each call. */
export interface Classifier {
  readonly shape: readonly number[];
  run(): void;
  /** Rows for single layers of a packed network. */
  layers(): readonly { id: string; op: string; ms: number; gops: number }[];
  dispose(): void;
}

/** Makes a network with random weights, and a batch for it. */
export function classifier(model: InferModel, bits: Bits, batch: number, seed: number): Classifier {
  const { image, perLayer, make }: Case = CASES[model];
  const shape = [batch, ...image];
  const input = filledBytes(shape.reduce((a, b) => a * b));
  manualSeed(seed);
  const net: Module = make().eval();
  const weights = WIDTHS[bits];
  if (weights === null) {
    const run = (): void => scope(() => void noGrad(() => net.forward(imageTensor(input, shape))));
    return { shape, run, layers: () => [], dispose: () => net.dispose() };
  }
  prepare(net, { weights, activations: staircase({ bits: 4 }), perLayer });
  const session = createSession(pack(net, { inputShape: image }), { maxBatch: batch });
  net.dispose();
  const output = session.run(input);
  return {
    shape,
    run: () => void session.run(input, output),
    layers: () => session.profile({ input }).layers,
    dispose: () => session.dispose(),
  };
}

/**
 * Rows such as `infer lenet5 float b1` and `infer resnet18 1W4A b1`; with `profile`, `infer resnet18 1W4A b1 conv1` for
 * each layer.
 */
export function benchInfer(options: BenchOptions): void {
  for (const model of Object.keys(CASES) as InferModel[]) {
    for (const bits of Object.keys(WIDTHS) as Bits[]) {
      for (const batch of CASES[model].batches) {
        const work = inferWork(model, bits, batch);
        if (!options.wants(work)) continue;
        const { shape, run, layers, dispose } = classifier(model, bits, batch, options.seed);
        const name = shape.join("x");
        measure(options, { work, shape: name }, { images: batch }, run);
        if (options.profile) {
          const { result, around } = timed(layers);
          for (const { id, op, ms, gops } of result) {
            const row = { work: `${work} ${id}`, shape: `${name} ${op}`, ms: round(ms), msMin: round(ms), samples: 20 };
            options.onRow({ ...row, ...around, ...(gops > 0 && { gflops: round(gops) }) });
          }
        }
        dispose();
      }
    }
  }
}
