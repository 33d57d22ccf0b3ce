/** @file The training loop. */
import { check } from "../core/checks.js";
import { ArgumentError, DivergenceError, StateError, WorldError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import type { ImageDataset } from "../data/dataset.js";
import { type BatchLoader, DataLoader, dropsLast, isBatchLoader } from "../data/loader.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import type { OptimizerLike } from "../optim/types.js";
import { restoreCheckpoint, saveCheckpoint } from "./checkpoint.js";
import { canonicalJson, configHash } from "./digest.js";
import { evaluate } from "./evaluate.js";
import { type ExampleInput, examplesOf, isExamples, type TaskOptions } from "./example-options.js";
import { checkOwnership, checkStart, LossGuard } from "./guard.js";
import { imageTensor } from "./input.js";
import { keepModes, type Run, RunClock, secondsSince, trainEpoch } from "./loop.js";
import type { RunMetrics, TaskMetrics } from "./metrics.js";
import { Mixup } from "./mixup.js";
import { settleStatistics } from "./norm-statistics.js";
import {
  type CommonOptions,
  checkFit,
  checkImages,
  checkTrainingLoader,
  type FitOptions,
  type FitResult,
  moduleRule,
  type ProgressOptions,
} from "./options.js";
import { Standing, type Validation } from "./standing.js";
import { type Counted, exampleTask, imageTask, judge, type Task } from "./task.js";
import { Together } from "./together.js";

export type { FitOptions, FitProgress, FitResult } from "./options.js";

/**
 * Trains a network: on labelled images with cross-entropy, or on examples of any task with any loss.
 *
 * Each step is synchronous and frees its intermediates; the event loop gets a turn between steps. The order of the
 * batches and the augmentation depend on (seed, epoch) only, so a run that goes on from a checkpoint ends with the same
 * bits as an uninterrupted one.
 *
 * @param net takes images [N,H,W,C] and gives logits [N, classes], or takes and gives what the examples and the loss
 * want; left in training mode
 * @param data images and labels; or a loader of them, which then decides on batches, order and augmentation by itself;
 * or examples: `{ x, y }`, a data set of `exampleDataset`, or a source of batches (`ExampleLoader`, `batchSource`)
 * @returns metrics of the epochs that were completed
 * @throws DivergenceError naming epoch, step and loss when the loss or a weight is NaN or infinite
 * @throws StateError if the checkpoint to resume from belongs to another network or configuration
 * @throws ArgumentError on options out of range
 * @example
 * await fit(net, { x: features, y: prices }, { epochs: 20, optimizer, loss: "mse", metrics: ["mae"], callbacks:
 * [earlyStop()] });
 */
export function fit(net: Module, data: ImageDataset | BatchLoader, options: FitOptions): Promise<FitResult>;
export function fit(net: Module, data: ExampleInput, options: TaskOptions): Promise<FitResult<TaskMetrics>>;
export async function fit(
  net: Module,
  data: ImageDataset | BatchLoader | ExampleInput,
  options: FitOptions | TaskOptions,
): Promise<FitResult | FitResult<TaskMetrics>> {
  check("fit", "net", net, moduleRule);
  if (isExamples(data)) return fitExamples(net, data, options as TaskOptions);
  const own = options as FitOptions;
  checkFit(net, data, own);
  const loader = isBatchLoader(data) ? data : loaderOf(data, own);
  const mixup = own.mixup === undefined || own.mixup === 0 ? null : new Mixup(own.mixup, own.seed ?? 1);
  const task = imageTask(loader, own.labelSmoothing ?? 0, { mixup, distillation: own.loss });
  scope(() =>
    own.loss?.check(imageTensor(new Uint8Array(sizeOf(loader.imageShape)), [1, ...loader.imageShape]), loader.classes),
  );
  return train(net, task, own, () => validate(net, own));
}

async function fitExamples(net: Module, data: ExampleInput, options: TaskOptions): Promise<FitResult<TaskMetrics>> {
  const { source, validation, judgement } = examplesOf(data, options);
  return train(net, exampleTask(source, judgement), options, async () => {
    if (validation === null) return {};
    const { loss, metrics } = await judge(net, validation, judgement);
    return { valLoss: loss, ...(judgement.metrics.length > 0 && { valMetrics: metrics }) };
  });
}

/** Epoch after epoch, whatever is trained on. */
async function train<Item extends Counted, Metrics extends RunMetrics>(
  net: Module,
  task: Task<Item>,
  options: CommonOptions & ProgressOptions<Metrics, never>,
  validation: () => Promise<object>,
): Promise<FitResult<Metrics>> {
  const { optimizer } = options;
  checkOwnership(net, optimizer);
  task.distillation?.checkStudent(net);
  const ranks = options.world?.size ?? 1;
  if (ranks > 1 && typeof options.checkpointEvery === "function") {
    throw new ArgumentError({
      op: "fit",
      what: "ranks could not agree on checkpoints",
      expected: "checkpointEvery as a number of steps where there are several ranks",
      got: `a function, and ${ranks} ranks`,
    });
  }
  const together = new Together(net, task, options);
  const { world } = together;
  try {
    return await trainTogether(net, task, options, together, validation);
  } catch (error) {
    // What diverged did so on every rank, and a world that failed is known to all.
    if (!(error instanceof DivergenceError || error instanceof WorldError)) world.abort(error);
    throw error;
  } finally {
    together.sums?.dispose();
  }
}

/** The validation of an epoch that is not looked at. */
const noLook = async (): Promise<Validation> => ({});

async function trainTogether<Item extends Counted, Metrics extends RunMetrics>(
  net: Module,
  task: Task<Item>,
  options: CommonOptions & ProgressOptions<Metrics, never>,
  together: Together<Item>,
  validation: () => Promise<Validation>,
): Promise<FitResult<Metrics>> {
  const { epochs, optimizer, resume, recalibrate = "auto", callbacks = [], shards = 1, validateEvery = 1 } = options;
  const { digest: data } = task;
  const standing = new Standing(net, options, callbacks);
  if (resume !== undefined) takeUp(net, optimizer, options, task);
  standing.takeUp();
  await together.agree(net, {
    configuration: configHash(options.config),
    teacher: task.distillation?.identity() ?? "none",
    shards,
    epochs,
    "batches in an epoch": task.batches,
    "training data": task.digest ?? "not told",
    "first step": resume?.step ?? 0,
    "average of weights": canonicalJson(options.average ?? null),
  });
  const result: FitResult<Metrics> = { metrics: [], epoch: resume?.epoch ?? 0, stopped: false };
  if (result.epoch < epochs) checkStart(net);
  const run: Run<Item> = {
    net,
    task,
    options: options as CommonOptions & ProgressOptions,
    clock: new RunClock(result.epoch, epochs, task.batches),
    losses: new LossGuard(task.batches),
    modes: new Map(),
    warned: new Set(),
    together,
    average: standing.average,
    onStep: async (step, partial) => {
      if (!together.reports) return;
      const epoch = Math.floor(step / task.batches);
      await options.onStepCheckpoint?.(
        saveCheckpoint({ net, optimizer, epoch, step, config: options.config, data, partial, ...standing.parts(true) }),
      );
    },
  };
  keepModes(run, net.train());
  let enough = false;
  const stop = (): void => {
    enough = true;
  };
  await standing.start(stop);
  while (result.epoch < epochs && !enough) {
    const { epoch } = result;
    const started = performance.now();
    const within = resume !== undefined && epoch === resume.epoch ? resume.step - epoch * task.batches : 0;
    const steps = await trainEpoch(run, epoch, within, within > 0 ? resume?.partial : undefined);
    if (steps === null) {
      result.stopped = true;
      break;
    }
    const { tally, trained, layers, withoutGradient } = steps;
    const seconds = secondsSince(started);
    const looks = (epoch + 1) % validateEvery === 0 || epoch + 1 === epochs;
    const look = looks ? validation : noLook;
    const averaged = await standing.evaluate(epoch, task.images, look);
    const last = epoch + 1 === epochs && task.images !== null && averaged === null;
    const statistics = last ? await settleStatistics(net, task.images, epoch, recalibrate, together.reports) : null;
    const metrics = {
      epoch: epoch + 1,
      loss: tally.meanLoss,
      ...tally.figures(),
      ...(statistics !== null && { statistics }),
      ...(averaged === null ? await look() : averaged.figures),
      lr: optimizer.lr * optimizer.lrFactor,
      [task.rate]: trained / seconds,
      seconds,
      ...layers,
      ...(withoutGradient.length > 0 && { withoutGradient }),
    } as unknown as Metrics;
    if (together.reports) await options.onEpoch?.(metrics);
    for (const callback of callbacks) await callback.onEpoch?.({ net, metrics, looked: looks, stop });
    averaged?.putBack();
    enough = await together.any(enough);
    const takers = callbacks.filter((callback) => callback.onCheckpoint !== undefined);
    if ((options.onCheckpoint !== undefined && together.reports) || takers.length > 0) {
      const step = (epoch + 1) * task.batches;
      const { config } = options;
      const bytes = saveCheckpoint({ net, optimizer, epoch: epoch + 1, step, config, data, ...standing.parts() });
      if (together.reports) await options.onCheckpoint?.(bytes, metrics);
      for (const callback of takers) await callback.onCheckpoint?.(bytes);
    }
    result.metrics.push(metrics);
    result.epoch++;
  }
  if (!result.stopped) standing.finish();
  for (const callback of callbacks) await callback.onEnd?.({ net, metrics: result.metrics });
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
  options: Pick<FitOptions, "batch" | "seed" | "transforms" | "dropLast" | "shards">,
): DataLoader {
  const { batch = 128, seed = 1, transforms, shards, dropLast = dropsLast(data.count, batch, shards) } = options;
  return new DataLoader(data, { batch, shuffle: true, seed, dropLast, transforms });
}

/** Restores a checkpoint after checking that it belongs to this run. */
function takeUp<Item extends Counted>(
  net: Module,
  optimizer: OptimizerLike,
  options: CommonOptions,
  { batches: stepsPerEpoch, digest, name }: Task<Item>,
): void {
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
  const within = resume.step - resume.epoch * stepsPerEpoch;
  if (within < 0 || within >= stepsPerEpoch || within > 0 !== (resume.partial !== undefined)) {
    const got = `${resume.step} steps in ${resume.epoch} epochs`;
    throw refuse("the checkpoint is of other data or another batch size", `${stepsPerEpoch} steps an epoch`, got);
  }
  if (resume.data !== undefined && digest !== undefined && resume.data !== digest) {
    throw refuse(`the checkpoint is of other data than ${name} is now`, resume.data, digest);
  }
  restoreCheckpoint(resume, net, optimizer);
}

async function validate(net: Module, options: FitOptions): Promise<{ valAccuracy?: number; valLoss?: number }> {
  if (options.validation === undefined) return {};
  const { top1, loss } = await evaluate(net, options.validation, { batch: options.evalBatch, world: options.world });
  return { valAccuracy: top1, valLoss: loss };
}
