/** @file The training loop. */
import { crossEntropy } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { ArgumentError, DivergenceError, QuantError, StateError } from "../core/errors.js";
import type { ImageDataset } from "../data/dataset.js";
import { type Batch, type BatchLoader, DataLoader, isBatchLoader } from "../data/loader.js";
import type { ImageTransform } from "../data/transforms.js";
import { kernelsFor } from "../kernels/engine.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import { clipGradNorm } from "../optim/clip-gradients.js";
import { constant, type Schedule, type SchedulePoint } from "../optim/schedule/index.js";
import type { OptimizerLike } from "../optim/types.js";
import { type Checkpoint, restoreCheckpoint, saveCheckpoint } from "./checkpoint.js";
import { configHash } from "./digest.js";
import { evaluate } from "./evaluate.js";
import { countHits, imageTensor, labelTensor } from "./input.js";
import { type EpochMetrics, type LayerMetrics, LayerWatch } from "./metrics.js";

/** Where a run is; told after every step. */
export interface FitProgress {
  /** The running epoch, from 1. */
  epoch: number;
  epochs: number;
  /** Steps done in this epoch. */
  step: number;
  /** Steps of an epoch. */
  steps: number;
  /** Mean loss of the epoch so far. */
  loss: number;
  /** Share of training images classified right in the epoch so far. */
  accuracy: number;
  imagesPerSecond: number;
  /** Expected seconds until the whole run ends, evaluations included as far as they were seen. */
  etaSeconds: number;
}

/** Choices of {@link fit}. */
export interface FitOptions {
  /** Epochs of the whole run; a resumed run does those that are left. */
  epochs: number;
  optimizer: OptimizerLike;
  /** Images in a step. Default 128. */
  batch?: number;
  /** Factor of the learning rate. Default constant. */
  schedule?: Schedule;
  /** Names the order of batches and the augmentation, with the epoch. Default 1. */
  seed?: number;
  /** Share of each target spread over all classes. Default 0. */
  labelSmoothing?: number;
  /** Gradients are scaled down to this joint norm before each step. Default none. */
  clipGradNorm?: number;
  /** Augmentation. Default none. */
  transforms?: readonly ImageTransform[];
  /** Skip an incomplete last batch. Default: only one of a single image, which batch norm cannot take. */
  dropLast?: boolean;
  /** Evaluated after every epoch. */
  validation?: ImageDataset | BatchLoader;
  /** Images at once in evaluation. Default 256. */
  evalBatch?: number;
  /** Kept in checkpoints; a run can be resumed only with an equal one. Plain JSON. */
  config?: unknown;
  /** Where to go on. Network, optimizer and options must be made as for the first part. */
  resume?: Checkpoint;
  /** Stops at the next step boundary. The checkpoint of the last complete epoch stays the last. */
  signal?: AbortSignal;
  /** Called before every step; what it does may depend on its argument only, or resuming changes the result. */
  beforeStep?: (point: SchedulePoint) => void;
  onProgress?: (progress: FitProgress) => void;
  /** Called after every epoch, before its checkpoint. Awaited. */
  onEpoch?: (metrics: EpochMetrics) => void | Promise<void>;
  /** Takes the checkpoint of every epoch. Awaited. */
  onCheckpoint?: (bytes: Uint8Array, metrics: EpochMetrics) => void | Promise<void>;
}

/** What {@link fit} did. */
export interface FitResult {
  /** Epochs that this call completed. */
  metrics: EpochMetrics[];
  /** Epochs that are complete in all. */
  epoch: number;
  /** True if the signal ended the run early. */
  stopped: boolean;
}

/** Sums over the steps of one epoch. */
interface Totals {
  loss: number;
  hits: number;
  images: number;
}

/**
 * Trains a network on labelled images with cross-entropy.
 *
 * Each step is synchronous and frees its intermediates; the event loop gets a turn between steps. The order of the batches and the
 * augmentation depend on (seed, epoch) only, so a run that goes on from a checkpoint ends with the same bits as an uninterrupted one.
 *
 * @param net takes images [N,H,W,C], gives logits [N, classes]; left in training mode
 * @param data images and labels; or a loader, which then decides on batches, order and augmentation by itself
 * @returns metrics of the epochs that were completed
 * @throws DivergenceError naming epoch, step and loss when the loss or a weight is NaN or infinite
 * @throws StateError if the checkpoint to resume from belongs to another network or configuration
 * @throws ArgumentError on options out of range
 */
export async function fit(net: Module, data: ImageDataset | BatchLoader, options: FitOptions): Promise<FitResult> {
  const { epochs, optimizer, resume } = options;
  if (!Number.isInteger(epochs) || epochs < 0) {
    throw new ArgumentError({ op: "fit", what: "bad epochs", expected: "an integer ≥ 0", got: `${epochs}` });
  }
  const loader = isBatchLoader(data) ? data : trainingLoader(data, options);
  if (resume !== undefined) takeUp(net, optimizer, options, loader.batches);
  const result: FitResult = { metrics: [], epoch: resume?.epoch ?? 0, stopped: false };
  const clock = new RunClock(result.epoch, epochs, loader.batches);
  while (result.epoch < epochs) {
    const { epoch } = result;
    const started = performance.now();
    const totals = await trainEpoch(net, loader, epoch, options, clock);
    if (totals === null) {
      result.stopped = true;
      break;
    }
    const seconds = secondsSince(started);
    const metrics: EpochMetrics = {
      epoch: epoch + 1,
      loss: totals.loss / totals.images,
      accuracy: totals.hits / totals.images,
      ...(await validate(net, options)),
      lr: optimizer.lr * optimizer.lrFactor,
      imagesPerSecond: totals.images / seconds,
      seconds,
      ...totals.layers,
    };
    await options.onEpoch?.(metrics);
    if (options.onCheckpoint !== undefined) {
      const step = (epoch + 1) * loader.batches;
      const bytes = saveCheckpoint({ net, optimizer, epoch: epoch + 1, step, config: options.config });
      await options.onCheckpoint(bytes, metrics);
    }
    result.metrics.push(metrics);
    result.epoch++;
  }
  optimizer.zeroGrad();
  return result;
}

/**
 * The loader that {@link fit} reads a data set by: a new order in every epoch, by (seed, epoch).
 *
 * @param options batch 128, seed 1; `dropLast` by default only if the last batch is a single image
 */
export function trainingLoader(
  data: ImageDataset,
  { batch = 128, seed = 1, transforms, dropLast }: Pick<FitOptions, "batch" | "seed" | "transforms" | "dropLast">,
): DataLoader {
  const alone = data.count > batch && data.count % batch === 1;
  return new DataLoader(data, { batch, shuffle: true, seed, dropLast: dropLast ?? alone, transforms });
}

/** All steps of one epoch; null if the signal ended it early. */
async function trainEpoch(
  net: Module,
  loader: BatchLoader,
  epoch: number,
  options: FitOptions,
  clock: RunClock,
): Promise<(Totals & { layers: LayerMetrics }) | null> {
  const { optimizer, epochs, schedule = constant() } = options;
  const totals: Totals = { loss: 0, hits: 0, images: 0 };
  const started = performance.now();
  const watch = new LayerWatch(net);
  try {
    for await (const batch of loader.epoch(epoch)) {
      if (options.signal?.aborted) return null;
      const step = epoch * loader.batches + batch.index;
      const point: SchedulePoint = { step, stepsPerEpoch: loader.batches, epochs };
      optimizer.lrFactor = schedule(point);
      options.beforeStep?.(point);
      net.train();
      trainStep(net, batch, options, totals);
      options.onProgress?.({
        epoch: epoch + 1,
        epochs,
        step: batch.index + 1,
        steps: loader.batches,
        loss: totals.loss / totals.images,
        accuracy: totals.hits / totals.images,
        imagesPerSecond: totals.images / secondsSince(started),
        etaSeconds: clock.secondsLeft(step + 1),
      });
    }
    checkWeights(net, `at the end of epoch ${epoch + 1}`);
    return { ...totals, layers: watch.read() };
  } finally {
    watch.stop();
  }
}

/** Forward, backward, update; everything that it makes on the way is freed. */
function trainStep(net: Module, batch: Batch, options: FitOptions, totals: Totals): void {
  const { optimizer, labelSmoothing = 0, clipGradNorm: maxNorm } = options;
  const { epoch, index } = batch;
  const place = `in epoch ${epoch + 1}, step ${index + 1}`;
  scope(() => {
    optimizer.zeroGrad();
    const logits = forward(net, batch, place);
    const loss = crossEntropy(logits, labelTensor(batch.labels), { labelSmoothing });
    const value = loss.item();
    if (!Number.isFinite(value)) throw diverged(place, `loss ${value}`);
    totals.loss += value * batch.count;
    totals.hits += countHits(logits, batch.labels).top1;
    totals.images += batch.count;
    loss.backward();
    if (maxNorm !== undefined) clipGradNorm(optimizer.parameters(), maxNorm);
    optimizer.step();
  });
}

/** The logits. Quantized layers refuse weights that are not finite: that is divergence too. */
function forward(net: Module, batch: Batch, place: string): Tensor {
  try {
    return net.forward(imageTensor(batch.images, batch.shape));
  } catch (error) {
    if (error instanceof QuantError) checkWeights(net, place);
    throw error;
  }
}

/** Expected time to the end of a run, from the mean over the steps so far, evaluations included. */
class RunClock {
  readonly #started = performance.now();
  readonly #first: number;
  readonly #last: number;
  constructor(firstEpoch: number, epochs: number, stepsPerEpoch: number) {
    this.#first = firstEpoch * stepsPerEpoch;
    this.#last = epochs * stepsPerEpoch;
  }
  secondsLeft(stepsDone: number): number {
    return (secondsSince(this.#started) * (this.#last - stepsDone)) / (stepsDone - this.#first);
  }
}

function secondsSince(start: number): number {
  return Math.max(1e-6, (performance.now() - start) / 1000);
}

/** Restores a checkpoint after checking that it belongs to this run. */
function takeUp(net: Module, optimizer: OptimizerLike, options: FitOptions, stepsPerEpoch: number): void {
  const { resume, config = null } = options;
  if (resume === undefined) return;
  const refuse = (what: string, expected: string, got: string): StateError =>
    new StateError({
      op: "fit",
      what,
      expected,
      got,
      hint: "nothing was changed; resume with the first part's options",
    });
  if (resume.configHash !== configHash(config)) {
    throw refuse("the checkpoint is of another configuration", JSON.stringify(config), JSON.stringify(resume.config));
  }
  if (resume.step !== resume.epoch * stepsPerEpoch) {
    const got = `${resume.step} steps in ${resume.epoch} epochs`;
    throw refuse("the checkpoint is of other data or another batch size", `${stepsPerEpoch} steps an epoch`, got);
  }
  restoreCheckpoint(resume, net, optimizer);
}

async function validate(net: Module, options: FitOptions): Promise<{ valAccuracy?: number; valLoss?: number }> {
  if (options.validation === undefined) return {};
  const { top1, loss } = await evaluate(net, options.validation, { batch: options.evalBatch });
  return { valAccuracy: top1, valLoss: loss };
}

function diverged(place: string, got: string): DivergenceError {
  return new DivergenceError({
    op: "fit",
    what: `training diverged ${place}`,
    expected: "finite numbers",
    got,
    hint: "earlier checkpoints are untouched; try a lower learning rate, a warm-up, or gradient clipping",
  });
}

function checkWeights(net: Module, place: string): void {
  for (const [name, { data }] of net.namedParameters()) {
    const bad = kernelsFor(data.dtype).f32_count_nonfinite(data.ptr, data.size);
    if (bad > 0) throw diverged(place, `${bad} NaN or infinite in ${name}`);
  }
}
