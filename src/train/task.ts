/** @file What a run trains on and how it counts: images with cross entropy, or examples of any task. */
import { crossEntropy } from "../autograd/functions.js";
import { noGrad } from "../autograd/graph.js";
import type { Tensor } from "../autograd/tensor.js";
import { Tensor as TensorClass } from "../autograd/tensor.js";
import type { ExampleSource } from "../data/example-loader.js";
import { type ExampleBatch, toNDArray } from "../data/examples.js";
import { type Batch, type BatchLoader, checkBatch } from "../data/loader.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import { countHits, imageTensor, labelTensor } from "./input.js";
import { type ResolvedLoss, targetTensor } from "./losses.js";
import type { Gathering, Metric } from "./measures.js";

/** What every batch says of itself. */
export interface Counted {
  readonly count: number;
  readonly epoch: number;
  readonly index: number;
}

/** What came out of one batch. */
export interface Outcome {
  readonly loss: Tensor;
  /** Classes to guess from; 1 where nothing is classified. */
  readonly classes: number;
}

/** Figures of the batches of an epoch so far. */
export interface Tally<Item extends Counted> {
  /** Counts a batch. Its output is read before anything changes it. @returns what the loss is computed from */
  outcome(net: Module, batch: Item): Outcome;
  add(loss: number, batch: Item): void;
  /** Sum of weights of what was counted: images, or examples. */
  readonly count: number;
  readonly meanLoss: number;
  /** Figures besides the loss, as metrics and progress hold them. */
  figures(): Readonly<Record<string, unknown>>;
}

/** What a run trains on. */
export interface Task<Item extends Counted> {
  readonly name: string;
  /** Batches in an epoch. */
  readonly batches: number;
  /** What is counted per second: the name of that figure. */
  readonly rate: "imagesPerSecond" | "examplesPerSecond";
  /** Batches of images, for what looks at images alone. */
  readonly images: BatchLoader | null;
  epoch(epoch: number): AsyncIterable<Item>;
  /** @throws ArgumentError on a batch whose parts do not fit each other */
  check(batch: Item): void;
  start(): Tally<Item>;
}

/** Images with class numbers, cross entropy and accuracy. */
export function imageTask(loader: BatchLoader, labelSmoothing: number): Task<Batch> {
  return {
    name: loader.name,
    batches: loader.batches,
    rate: "imagesPerSecond",
    images: loader,
    epoch: (epoch) => loader.epoch(epoch),
    check: (batch) => checkBatch("fit", loader, batch),
    start: () => {
      let [loss, hits, images] = [0, 0, 0];
      return {
        outcome: (net, { images: pixels, shape, labels }) => {
          const logits = net.forward(imageTensor(pixels, shape));
          hits += countHits(logits, labels).top1;
          return {
            loss: crossEntropy(logits, labelTensor(labels), { labelSmoothing }),
            classes: logits.shape[logits.rank - 1],
          };
        },
        add: (value, { count }) => {
          loss += value * count;
          images += count;
        },
        get count() {
          return images;
        },
        get meanLoss() {
          return loss / images;
        },
        figures: () => ({ accuracy: hits / images }),
      };
    },
  };
}

/** The network's output for a batch. */
export function outputOf(net: Module, { inputs }: Pick<ExampleBatch, "inputs">): Tensor {
  const tensors = inputs.map((array) => new TensorClass(toNDArray(array)));
  // Networks of several inputs take them one after the other.
  return (net.forward as (...inputs: Tensor[]) => Tensor).apply(net, tensors);
}

/** What the loss and the metrics of a task are. */
export interface Judgement {
  readonly loss: ResolvedLoss;
  readonly metrics: readonly Metric[];
}

/** Counts batches of examples; the loss's mean is weighted by examples. */
export function exampleTally({ loss, metrics }: Judgement): Tally<ExampleBatch> {
  const gatherings = metrics.map((metric): [string, Gathering] => [metric.name, metric.start()]);
  let [total, weight, count] = [0, 0, 0];
  return {
    outcome: (net, batch) => {
      const output = outputOf(net, batch);
      const target = targetTensor(batch.targets, output, loss);
      if (gatherings.length > 0) {
        const seen = { shape: output.shape, data: output.toTypedArray() };
        const told = { shape: target.shape, data: target.toTypedArray() };
        for (const [, gathering] of gatherings) gathering.add(seen, told);
      }
      const classes = loss.classes === true ? output.shape[output.rank - 1] : 1;
      return { loss: loss.of(output, target, batch.weights), classes };
    },
    add: (value, batch) => {
      const mass = batch.weights?.reduce((sum, each) => sum + each, 0) ?? batch.count;
      total += value * mass;
      weight += mass;
      count += batch.count;
    },
    get count() {
      return count;
    },
    get meanLoss() {
      return total / weight;
    },
    figures: () => ({ metrics: Object.fromEntries(gatherings.map(([name, gathering]) => [name, gathering.value()])) }),
  };
}

/** Examples with any loss and metrics. */
export function exampleTask(source: ExampleSource, judgement: Judgement): Task<ExampleBatch> {
  return {
    name: source.name,
    batches: source.batches,
    rate: "examplesPerSecond",
    images: null,
    epoch: (epoch) => source.epoch(epoch),
    check: () => {},
    start: () => exampleTally(judgement),
  };
}

/**
 * Loss and metrics over all batches of a source, in evaluation mode, without recording gradients; modes are put back.
 */
export async function judge(
  net: Module,
  source: ExampleSource,
  judgement: Judgement,
  seen: (count: number) => void = () => {},
): Promise<{ loss: number; metrics: Record<string, number>; count: number }> {
  const tally = exampleTally(judgement);
  const modes = new Map(net.modules().map((module) => [module, module.training]));
  try {
    for await (const batch of source.epoch(0)) {
      net.eval();
      scope(() => noGrad(() => tally.add(tally.outcome(net, batch).loss.item(), batch)));
      seen(tally.count);
    }
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
  const { metrics } = tally.figures() as { metrics: Record<string, number> };
  return { loss: tally.meanLoss, metrics, count: tally.count };
}
