/** @file What a run trains on and how it counts: images with cross entropy, or examples of any task. */
import { crossEntropy } from "../autograd/functions.js";
import { noGrad } from "../autograd/graph.js";
import type { Tensor } from "../autograd/tensor.js";
import { Tensor as TensorClass } from "../autograd/tensor.js";
import type { ExampleSource } from "../data/example-loader.js";
import { type ExampleBatch, rowsOf, toNDArray } from "../data/examples.js";
import { type Batch, type BatchLoader, type BatchPart, checkBatch } from "../data/loader.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import type { ShardRange } from "../world/tree.js";
import type { Distillation, Lesson, LossParts } from "./distillation.js";
import { countHits, imageTensor, labelTensor } from "./input.js";
import { type ResolvedLoss, targetTensor, weightedMean } from "./losses.js";
import type { Gathering, Metric, MetricArray } from "./measures.js";
import { mixedLoss } from "./mixed-loss.js";
import type { Mixup } from "./mixup.js";

/** What every batch says of itself. */
export interface Counted {
  readonly count: number;
  readonly epoch: number;
  readonly index: number;
  /** Where a part of a batch stands in it; absent: the whole. */
  readonly part?: BatchPart;
}

/** An output and its targets, in plain memory, for metrics. */
export interface Shown {
  readonly output: MetricArray;
  readonly target: MetricArray;
}

/** What figures are made of: numbers of one batch, or of a shard of it. */
export interface Seen {
  readonly count: number;
  /** What its loss weighs: the sum of weights of examples, or their number. */
  readonly mass: number;
  /** Images that are classified right. */
  readonly hits: number;
  /** What metrics want to see. */
  readonly shown: readonly Shown[];
  /** Terms of the loss, where a teacher has one. */
  readonly parts?: LossParts;
}

/** What came out of one batch. */
export interface Outcome {
  readonly loss: Tensor;
  /** Classes to guess from; 1 where nothing is classified. */
  readonly classes: number;
  readonly seen: Seen;
}

/** Figures of the batches of an epoch so far. */
export interface Tally {
  /** Counts a batch. */
  add(loss: number, seen: Seen): void;
  /** Sum of weights of what was counted: images, or examples. */
  readonly count: number;
  readonly meanLoss: number;
  /** Figures besides the loss, as metrics and progress hold them. */
  figures(): Readonly<Record<string, unknown>>;
  /** The sums so far, for a checkpoint within the epoch. */
  kept(): Kept;
}

/** Sums over the first part of an epoch. */
export interface Kept {
  readonly loss: number;
  readonly mass: number;
  readonly count: number;
  readonly hits: number;
  /** Of the terms of a loss with a teacher. */
  readonly parts?: LossParts;
}

const NOTHING: Kept = { loss: 0, mass: 0, count: 0, hits: 0 };

/** What a run trains on. */
export interface Task<Item extends Counted> {
  readonly name: string;
  /** Batches in an epoch. */
  readonly batches: number;
  /** What is counted per second: the name of that figure. */
  readonly rate: "imagesPerSecond" | "examplesPerSecond";
  /** What tells its examples from others, where that is known. */
  readonly digest?: string;
  /** Batches of images, for what looks at images alone. */
  readonly images: BatchLoader | null;
  /** Whether metrics want to see outputs and targets. */
  readonly shows: boolean;
  /** A teacher's part of the loss. */
  readonly distillation: Distillation | null;
  /** The batches of an epoch from number `from` on; of each the shards of a range, or all the same the whole. */
  epoch(epoch: number, from?: number, range?: ShardRange): AsyncIterable<Item>;
  /** @throws ArgumentError on a batch whose parts do not fit each other */
  check(batch: Item): void;
  /** Examples `start` to `end` − 1 of a batch, as a batch. */
  slice(batch: Item, start: number, end: number): Item;
  /** What the examples of a batch weigh in its loss. */
  mass(batch: Item): number;
  /** Loss and figures of a batch: its output is read before anything changes it. */
  outcome(net: Module, batch: Item): Outcome;
  /** Figures that go on from those of an epoch's first part. @param earlier what `kept` gave */
  start(earlier?: Kept): Tally;
}

/** Counts losses by the mass of batches. @param figures besides the loss */
function tallyOf(
  earlier: Kept,
  figures: (sums: Kept) => Readonly<Record<string, unknown>>,
  show: (shown: Shown) => void = () => {},
): Tally {
  let sums = earlier;
  return {
    add: (value, { count, mass, hits, shown, parts }) => {
      for (const pair of shown) show(pair);
      sums = {
        loss: sums.loss + value * mass,
        mass: sums.mass + mass,
        count: sums.count + count,
        hits: sums.hits + hits,
        ...(parts !== undefined && {
          parts: {
            labels: (sums.parts?.labels ?? 0) + parts.labels * mass,
            teacher: (sums.parts?.teacher ?? 0) + parts.teacher * mass,
            ...(parts.features !== undefined && {
              features: (sums.parts?.features ?? 0) + parts.features * mass,
            }),
          },
        }),
      };
    },
    get count() {
      return sums.count;
    },
    get meanLoss() {
      return sums.loss / sums.mass;
    },
    figures: () => {
      const { parts, mass } = sums;
      const lossParts = parts && {
        ...{ labels: parts.labels / mass, teacher: parts.teacher / mass },
        ...(parts.features !== undefined && { features: parts.features / mass }),
      };
      return { ...figures(sums), ...(lossParts && { lossParts }) };
    },
    kept: () => sums,
  };
}

/** Images `start` to `end` − 1 of a batch, as a part of it. */
export function sliceImages(batch: Batch, start: number, end: number): Batch {
  const { shape, images, labels, indices, count, part } = batch;
  const size = shape[1] * shape[2] * shape[3];
  return {
    ...batch,
    images: images.subarray(start * size, end * size),
    labels: labels.slice(start, end),
    indices: indices?.slice(start, end),
    count: end - start,
    shape: [end - start, shape[1], shape[2], shape[3]],
    part: { start: (part?.start ?? 0) + start, whole: part?.whole ?? count },
  };
}

/** What else a batch of images goes through. */
export interface ImageTaskOptions {
  /** Blends the images of each batch or shard. */
  readonly mixup?: Mixup | null;
  /** A teacher beside the labels. */
  readonly distillation?: Distillation | null;
}

/** Images with class numbers, cross entropy and accuracy, and perhaps a teacher, who sees blended images too. */
export function imageTask(
  loader: BatchLoader,
  labelSmoothing: number,
  { mixup = null, distillation = null }: ImageTaskOptions = {},
): Task<Batch> {
  return {
    name: loader.name,
    batches: loader.batches,
    rate: "imagesPerSecond",
    digest: loader.digest,
    images: loader,
    shows: false,
    distillation,
    epoch: (epoch, from, range) => loader.epoch(epoch, from, range),
    check: (batch) => checkBatch("fit", loader, batch),
    slice: sliceImages,
    mass: ({ count, part }) => part?.whole ?? count,
    outcome: (net, batch) => {
      const { images: pixels, shape, labels, count } = batch;
      const mixed = mixup?.mix(batch) ?? null;
      const x = imageTensor(mixed?.images ?? pixels, shape);
      const lesson = distillation?.lesson([x]);
      const { output: logits, features } = heard(distillation, net, () => net.forward(x));
      const hits = countHits(logits, labels).top1;
      const hard =
        mixed === null
          ? crossEntropy(logits, labelTensor(labels), { labelSmoothing })
          : mixedLoss(logits, labels, mixed, labelSmoothing);
      const { loss, parts } =
        distillation === null || lesson === undefined
          ? { loss: hard }
          : distillation.mix(
              hard,
              distillation.soft(logits, lesson.logits),
              distillation.affinity(features, lesson.features),
            );
      return {
        loss,
        classes: logits.shape[logits.rank - 1],
        seen: { count, mass: count, hits, shown: [], ...(parts && { parts }) },
      };
    },
    start: (earlier = NOTHING) => tallyOf(earlier, ({ hits, count }) => ({ accuracy: hits / count })),
  };
}

/** Inputs of a batch in the open scope. */
function inputsOf({ inputs }: Pick<ExampleBatch, "inputs">): Tensor[] {
  return inputs.map((array) => new TensorClass(toNDArray(array)));
}

/** The network's output for a batch. */
export function outputOf(net: Module, batch: Pick<ExampleBatch, "inputs">): Tensor {
  return outputFor(net, inputsOf(batch));
}

/** Networks of several inputs take them one after the other. */
function outputFor(net: Module, inputs: readonly Tensor[]): Tensor {
  return (net.forward as (...inputs: readonly Tensor[]) => Tensor).apply(net, inputs as Tensor[]);
}

/** What the loss and the metrics of a task are. */
export interface Judgement {
  readonly loss: ResolvedLoss;
  readonly metrics: readonly Metric[];
  /** A teacher's part of the loss in training; validation looks at targets alone. */
  readonly distillation: Distillation | null;
}

/** Counts batches of examples; the loss's mean is weighted by examples. */
function exampleTally({ metrics }: Judgement, earlier: Kept = NOTHING): Tally {
  const gatherings = metrics.map((metric): [string, Gathering] => [metric.name, metric.start()]);
  return tallyOf(
    earlier,
    () => ({ metrics: Object.fromEntries(gatherings.map(([name, gathering]) => [name, gathering.value()])) }),
    ({ output, target }) => {
      for (const [, gathering] of gatherings) gathering.add(output, target);
    },
  );
}

function massOf({ weights, count }: ExampleBatch): number {
  return weights?.reduce((sum, each) => sum + each, 0) ?? count;
}

/** The student's output, and its features where a teacher looks at them. */
function heard(distillation: Distillation | null, net: Module, run: () => Tensor): ReturnType<Distillation["listen"]> {
  return distillation === null ? { output: run(), features: [] } : distillation.listen(net, run);
}

/** The loss of examples with a teacher, each by its weight. */
function taughtLoss(
  distillation: Distillation,
  hard: Tensor,
  lesson: Lesson,
  output: Tensor,
  features: readonly Tensor[],
  weights: Float32Array | null,
): ReturnType<Distillation["mix"]> {
  if (weights === null) {
    const soft = distillation.soft(output, lesson.logits);
    return distillation.mix(hard, soft, distillation.affinity(features, lesson.features));
  }
  const mean = (each: Tensor): Tensor => weightedMean("distillation", each, output, weights);
  const affinities = distillation.affinity(features, lesson.features, "none");
  const soft = mean(distillation.soft(output, lesson.logits, "none"));
  return distillation.mix(hard, soft, affinities && mean(affinities));
}

function exampleOutcome(net: Module, batch: ExampleBatch, { loss, metrics, distillation }: Judgement): Outcome {
  const inputs = inputsOf(batch);
  const lesson = distillation?.lesson(inputs);
  const { output, features } = heard(distillation, net, () => outputFor(net, inputs));
  const target = targetTensor(batch.targets, output, loss);
  const shown =
    metrics.length === 0
      ? []
      : [
          {
            output: { shape: output.shape, data: output.toTypedArray() },
            target: { shape: target.shape, data: target.toTypedArray() },
          },
        ];
  const hard = loss.of(output, target, batch.weights);
  const { loss: value, parts } =
    distillation === null || lesson === undefined
      ? { loss: hard }
      : taughtLoss(distillation, hard, lesson, output, features, batch.weights);
  return {
    loss: value,
    classes: loss.classes === true ? output.shape[output.rank - 1] : 1,
    seen: { count: batch.count, mass: massOf(batch), hits: 0, shown, ...(parts && { parts }) },
  };
}

/** Examples with any loss and metrics. */
export function exampleTask(source: ExampleSource, judgement: Judgement): Task<ExampleBatch> {
  return {
    name: source.name,
    batches: source.batches,
    rate: "examplesPerSecond",
    images: null,
    shows: judgement.metrics.length > 0,
    distillation: judgement.distillation,
    epoch: (epoch, from) => source.epoch(epoch, from),
    check: () => {},
    slice: (batch, start, end) => {
      const rows = Uint32Array.from({ length: end - start }, (_, k) => start + k);
      return {
        ...batch,
        inputs: batch.inputs.map((array) => rowsOf(array, rows)),
        targets: rowsOf(batch.targets, rows),
        weights: batch.weights?.slice(start, end) ?? null,
        count: end - start,
      };
    },
    mass: massOf,
    outcome: (net, batch) => exampleOutcome(net, batch, judgement),
    start: (earlier) => exampleTally(judgement, earlier),
  };
}

/**
 * Loss and metrics over all batches of a source, in evaluation mode, without recording gradients or asking a teacher;
 * modes are put back.
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
      scope(() =>
        noGrad(() => {
          const { loss, seen: numbers } = exampleOutcome(net, batch, { ...judgement, distillation: null });
          tally.add(loss.item(), numbers);
        }),
      );
      seen(tally.count);
    }
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
  const { metrics } = tally.figures() as { metrics: Record<string, number> };
  return { loss: tally.meanLoss, metrics, count: tally.count };
}
