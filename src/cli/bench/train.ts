/** @file Whole training steps: forward, backward and optimizer on one batch. */
import { crossEntropy, manualSeed, scope } from "../../index.js";
import { type ImageModelOptions, lenet5, mlp, mobilenetv1, mobilenetv2, resnet20, vgg11 } from "../../models/index.js";
import type { Module } from "../../nn/index.js";
import { BCGD, type OptimizerLike, SGD } from "../../optim/index.js";
import { prepare, staircase } from "../../quant/index.js";
import { distillation, imageTensor, labelTensor } from "../../train/index.js";
import { type BenchOptions, filledBytes, measure } from "./harness.js";

interface Case {
  readonly side: number;
  readonly channels: number;
  make(options?: ImageModelOptions): Module;
}

const CIFAR = { size: 32, classes: 10 };

const CASES = {
  mlp: { side: 28, channels: 1, make: () => mlp({ sizes: [784, 512, 512, 10], batchNorm: false }) },
  lenet5: { side: 28, channels: 1, make: lenet5 },
  resnet20: { side: 32, channels: 3, make: resnet20 },
  vgg11: { side: 32, channels: 3, make: vgg11 },
  "mobilenetv1-0.25": { side: 32, channels: 3, make: () => mobilenetv1({ ...CIFAR, width: 0.25 }) },
  "mobilenetv2-0.35": { side: 32, channels: 3, make: () => mobilenetv2({ ...CIFAR, width: 0.35 }) },
} satisfies Record<string, Case>;

/** Networks that have training rows. */
export type TrainModel = keyof typeof CASES;

/** What is trained, in which arithmetic, on how many images at once. */
export interface TrainSpec {
  readonly model: TrainModel;
  /** `float` with SGD, or one-bit weights and four-bit activations with blended coarse gradient descent. */
  readonly bits: "float" | "1W4A";
  readonly batch: number;
  /** Whether a float network of the same kind is its teacher. */
  readonly taught?: boolean;
}

/** The rows. */
export const TRAIN_SPECS: readonly TrainSpec[] = [
  { model: "mlp", bits: "float", batch: 128 },
  { model: "mlp", bits: "1W4A", batch: 128 },
  { model: "lenet5", bits: "float", batch: 128 },
  { model: "lenet5", bits: "1W4A", batch: 128 },
  { model: "resnet20", bits: "float", batch: 128 },
  { model: "resnet20", bits: "1W4A", batch: 128 },
  { model: "resnet20", bits: "1W4A", batch: 128, taught: true },
  { model: "vgg11", bits: "float", batch: 128 },
  { model: "vgg11", bits: "1W4A", batch: 128 },
  { model: "mobilenetv1-0.25", bits: "float", batch: 128 },
  { model: "mobilenetv1-0.25", bits: "1W4A", batch: 128 },
  { model: "mobilenetv2-0.35", bits: "float", batch: 128 },
  { model: "mobilenetv2-0.35", bits: "1W4A", batch: 128 },
];

/** The name of a row: `train resnet20 1W4A b128`. */
export const trainWork = ({ model, bits, batch, taught = false }: TrainSpec): string =>
  `train ${model} ${bits} b${batch}${taught ? " taught" : ""}`;

/** A network with its optimizer and one batch. */
export interface Trainee {
  readonly shape: readonly number[];
  /** One step. @returns the loss before it */
  step(): number;
  dispose(): void;
}

/** A network and its optimizer: SGD with momentum 0.9 and weight decay 1e-4 either way. @returns owned by the caller */
export function trainNetwork({ model, bits, batch }: TrainSpec, seed: number) {
  const { side, channels, make } = CASES[model];
  const shape = [batch, side, side, channels];
  manualSeed(seed);
  const net: Module = make();
  if (bits === "1W4A") prepare(net, { weights: 1, activations: staircase({ bits: 4 }) });
  const sgd = { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 };
  const optimizer: OptimizerLike =
    bits === "float" ? new SGD(net.parameters(), sgd) : new BCGD(net.parameters(), { ...sgd, rho: 1e-5 });
  return { net, optimizer, shape };
}

/** Makes a network and all that a step needs. */
export function trainee(spec: TrainSpec, seed: number): Trainee {
  const { net, optimizer, shape } = trainNetwork(spec, seed);
  const teacher = spec.taught ? trainNetwork({ ...spec, bits: "float" }, seed + 1) : null;
  const teaching = teacher && distillation(teacher.net);
  const images = filledBytes(shape.reduce((size, extent) => size * extent, 1));
  const labels = Int32Array.from({ length: spec.batch }, (_, i) => i % 10);
  return {
    shape,
    step: () =>
      scope(() => {
        optimizer.zeroGrad();
        const x = imageTensor(images, shape);
        const taught = teaching?.logits([x]);
        const logits = net.forward(x);
        const hard = crossEntropy(logits, labelTensor(labels));
        const loss = teaching && taught ? teaching.mix(hard, teaching.soft(logits, taught)).loss : hard;
        loss.backward();
        optimizer.step();
        return loss.item();
      }),
    dispose() {
      optimizer.dispose();
      net.dispose();
      teacher?.optimizer.dispose();
      teacher?.net.dispose();
    },
  };
}

/** Rows such as `train lenet5 1W4A b128`. */
export function benchTrain(options: BenchOptions): void {
  for (const spec of TRAIN_SPECS) {
    const work = trainWork(spec);
    if (!options.wants(work)) continue;
    const { shape, step, dispose } = trainee(spec, options.seed);
    measure(options, { work, shape: shape.join("x") }, { images: spec.batch }, () => void step());
    dispose();
  }
}
