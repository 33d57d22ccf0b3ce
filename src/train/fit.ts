/** @file The training loop. */
import { crossEntropy } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { QuantError, StateError } from "../core/errors.js";
import type { ImageDataset } from "../data/dataset.js";
import { type Batch, type BatchLoader, checkBatch, DataLoader, isBatchLoader } from "../data/loader.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import { clipGradNorm } from "../optim/clip-gradients.js";
import { constant, type SchedulePoint } from "../optim/schedule/index.js";
import type { OptimizerLike } from "../optim/types.js";
import { restoreCheckpoint, saveCheckpoint } from "./checkpoint.js";
import { configHash } from "./digest.js";
import { evaluate } from "./evaluate.js";
import { BufferGuard, checkOwnership, checkRate, checkStart, checkWeights, GradientWatch, LossGuard } from "./guard.js";
import { countHits, imageTensor, labelTensor } from "./input.js";
import { type EpochMetrics, type LayerMetrics, LayerWatch } from "./metrics.js";
import { settleStatistics } from "./norm-statistics.js";
import { checkFit, checkImages, checkTrainingLoader, type FitOptions, type FitResult } from "./options.js";
import { some, warn } from "./warning.js";

export type { FitOptions, FitProgress, FitResult } from "./options.js";

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
  checkFit(net, data, options);
  const { epochs, optimizer, resume, recalibrate = "auto" } = options;
  const loader = isBatchLoader(data) ? data : loaderOf(data, options);
  checkOwnership(net, optimizer);
  if (resume !== undefined) takeUp(net, optimizer, options, loader.batches);
  const result: FitResult = { metrics: [], epoch: resume?.epoch ?? 0, stopped: false };
  if (result.epoch < epochs) checkStart(net);
  const run: Run = {
    net,
    loader,
    options,
    clock: new RunClock(result.epoch, epochs, loader.batches),
    losses: new LossGuard(loader.batches),
    modes: new Map(),
    warned: new Set(),
  };
  keepModes(run, net.train());
  while (result.epoch < epochs) {
    const { epoch } = result;
    const started = performance.now();
    const totals = await trainEpoch(run, epoch);
    if (totals === null) {
      result.stopped = true;
      break;
    }
    const seconds = secondsSince(started);
    const statistics = epoch + 1 === epochs ? await settleStatistics(net, loader, epoch, recalibrate) : null;
    const metrics: EpochMetrics = {
      epoch: epoch + 1,
      loss: totals.loss / totals.images,
      accuracy: totals.hits / totals.images,
      ...(statistics !== null && { statistics }),
      ...(await validate(net, options)),
      lr: optimizer.lr * optimizer.lrFactor,
      imagesPerSecond: totals.images / seconds,
      seconds,
      ...totals.layers,
      ...(totals.withoutGradient.length > 0 && { withoutGradient: totals.withoutGradient }),
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
 * @throws ArgumentError, DTypeError, FormatError on what is no data set or options out of range
 */
export function trainingLoader(
  data: ImageDataset,
  options: Pick<FitOptions, "batch" | "seed" | "transforms" | "dropLast"> = {},
): DataLoader {
  checkImages("trainingLoader", "data", data);
  checkTrainingLoader(options);
  return loaderOf(data, options);
}

function loaderOf(
  data: ImageDataset,
  { batch = 128, seed = 1, transforms, dropLast }: Pick<FitOptions, "batch" | "seed" | "transforms" | "dropLast">,
): DataLoader {
  const alone = data.count > batch && data.count % batch === 1;
  return new DataLoader(data, { batch, shuffle: true, seed, dropLast: dropLast ?? alone, transforms });
}

/** What the steps of a run share. */
interface Run {
  readonly net: Module;
  readonly loader: BatchLoader;
  readonly options: FitOptions;
  readonly clock: RunClock;
  readonly losses: LossGuard;
  /** Modes of all modules as the last step began with. */
  readonly modes: Map<Module, boolean>;
  /** Parameters that a warning has named. */
  readonly warned: Set<string>;
}

function keepModes({ modes }: Run, net: Module): void {
  modes.clear();
  for (const module of net.modules()) modes.set(module, module.training);
}

/** All steps of one epoch; null if the signal ended it early. */
async function trainEpoch(
  run: Run,
  epoch: number,
): Promise<(Totals & { layers: LayerMetrics; withoutGradient: string[] }) | null> {
  const { net, loader, options, clock, modes } = run;
  const { optimizer, epochs, schedule = constant() } = options;
  const totals: Totals = { loss: 0, hits: 0, images: 0 };
  const started = performance.now();
  const watch = new LayerWatch(net);
  const guards: Guards = {
    losses: run.losses,
    buffers: new BufferGuard(net),
    gradients: new GradientWatch(net, optimizer),
  };
  try {
    for await (const batch of loader.epoch(epoch)) {
      if (options.signal?.aborted) return null;
      checkBatch("fit", loader, batch);
      const step = epoch * loader.batches + batch.index;
      const point: SchedulePoint = { step, stepsPerEpoch: loader.batches, epochs };
      const factor = schedule(point);
      checkRate(optimizer, point.step, factor);
      optimizer.lrFactor = factor;
      checkRate(optimizer, step, optimizer.lrFactor);
      // Other code may have changed modes while this waited; what beforeStep froze stays frozen.
      for (const [module, training] of modes) module.training = training;
      if (options.beforeStep !== undefined) {
        options.beforeStep(point);
        checkRate(optimizer, step, optimizer.lrFactor);
        keepModes(run, net);
      }
      trainStep(net, batch, options, totals, guards);
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
    const place = `at the end of epoch ${epoch + 1}`;
    checkWeights(net, place);
    guards.buffers.check(place);
    const layers = watch.read();
    // At a loss of 0 nothing is left to learn, and all gradients are 0.
    const withoutGradient = totals.loss > 0 ? guards.gradients.names() : [];
    warnOfSilence(run, withoutGradient, layers, epoch);
    return { ...totals, layers, withoutGradient };
  } finally {
    watch.stop();
  }
}

/** Names parameters that nothing reached, once each, with the activations that may be why. */
function warnOfSilence(
  { warned }: Run,
  names: readonly string[],
  { zeroShare, saturation }: LayerMetrics,
  epoch: number,
): void {
  const fresh = names.filter((name) => !warned.has(name));
  if (fresh.length === 0) return;
  for (const name of fresh) warned.add(name);
  const whole = (shares: Readonly<Record<string, number>> = {}): string[] =>
    Object.keys(shares).filter((name) => shares[name] === 1);
  const [dead, full] = [whole(zeroShare), whole(saturation)];
  const causes = [
    ...(dead.length > 0 ? [`all codes of ${some(dead)} were 0`] : []),
    ...(full.length > 0 ? [`all codes of ${some(full)} were the highest`] : []),
  ];
  const why = causes.length > 0 ? `: ${causes.join(", ")}; calibrate() finds activation steps` : "";
  warn(`no gradient reached ${some(fresh)} in epoch ${epoch + 1}${why}`);
}

/** What looks at every step. */
interface Guards {
  readonly losses: LossGuard;
  readonly buffers: BufferGuard;
  readonly gradients: GradientWatch;
}

/** Forward, backward, update; everything that it makes on the way is freed. */
function trainStep(net: Module, batch: Batch, options: FitOptions, totals: Totals, guards: Guards): void {
  const { optimizer, labelSmoothing = 0, clipGradNorm: maxNorm } = options;
  const { epoch, index } = batch;
  const place = `in epoch ${epoch + 1}, step ${index + 1}`;
  scope(() => {
    optimizer.zeroGrad();
    const logits = forward(net, batch, place);
    const loss = crossEntropy(logits, labelTensor(batch.labels), { labelSmoothing });
    const value = loss.item();
    guards.losses.check(value, logits.shape[logits.rank - 1], epoch + 1, place);
    guards.buffers.check(place);
    totals.loss += value * batch.count;
    totals.hits += countHits(logits, batch.labels).top1;
    totals.images += batch.count;
    loss.backward();
    guards.gradients.look();
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
