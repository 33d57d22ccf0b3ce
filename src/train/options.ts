/** @file What the training loop is told and tells, and the checks of it. */
import {
  anything,
  atLeast,
  callable,
  check,
  checkOptions,
  either,
  flag,
  instanceOf,
  integer,
  listOf,
  type OptionRules,
  oneOf,
  type Rule,
  record,
  refuse,
  within,
} from "../core/checks.js";
import { checkImageDataset, type ImageDataset } from "../data/dataset.js";
import { type BatchLoader, checkBatchLoader, isBatchLoader } from "../data/loader.js";
import { seedRule } from "../data/streams.js";
import { type ImageTransform, transformRule } from "../data/transforms.js";
import { Module } from "../nn/module.js";
import type { Schedule, SchedulePoint } from "../optim/schedule/index.js";
import type { OptimizerLike } from "../optim/types.js";
import { type AverageOptions, averageRule } from "./average.js";
import type { Callback } from "./callbacks.js";
import type { Checkpoint } from "./checkpoint.js";
import { configHash } from "./digest.js";
import { Distillation, type LossParts } from "./distillation.js";
import type { EpochMetrics, RunMetrics } from "./metrics.js";
import type { Recalibrate } from "./norm-statistics.js";
import { TOGETHER_RULES, type TogetherOptions } from "./together.js";

/** Where a run is; told after every step. */
export interface FitProgress {
  /** The running epoch, from 1. */
  epoch: number;
  /** Epochs in all. */
  epochs: number;
  /** Steps done in this epoch. */
  step: number;
  /** Steps of an epoch. */
  steps: number;
  /** Mean loss of the epoch so far. */
  loss: number;
  /** Its terms, where a teacher has one. */
  lossParts?: LossParts;
  /** Share of training images classified right in the epoch so far. */
  accuracy: number;
  /** Speed so far. */
  imagesPerSecond: number;
  /** Expected seconds until the whole run ends, evaluations included as far as they were seen. */
  etaSeconds: number;
}

/** Where a run on examples is; told after every step. */
export interface TaskProgress extends Omit<FitProgress, "accuracy" | "imagesPerSecond"> {
  /** Metrics of the epoch so far, by name. */
  metrics: Record<string, number>;
  /** Speed so far. */
  examplesPerSecond: number;
}

/** Choices of `fit` for whatever is trained on. */
export interface CommonOptions extends TogetherOptions {
  /** Epochs of the whole run; a resumed run does those that are left. */
  epochs: number;
  /** Made for the network as it is now: every parameter of it must be one of the network's. */
  optimizer: OptimizerLike;
  /** Factor of the learning rate, ≥ 0. Default constant. */
  schedule?: Schedule;
  /** Gradients are scaled down to this joint norm before each step. Default none. */
  clipGradNorm?: number;
  /**
   * Batch norms of a quantized network after the last step: running statistics lag behind weights whose codes flip.
   * "auto" (default) estimates them anew where that classifies clearly more training images right (see
   * `NormStatistics`); true always does, also in a float network; false never does.
   */
  recalibrate?: Recalibrate;
  /**
   * Epochs from one look at `validation` to the next: figures of the others have none of it. The last epoch is always
   * looked at. Default 1: every epoch.
   */
  validateEvery?: number;
  /**
   * Average of the weights that is the run's result: evaluated after every epoch, with statistics of batch norms that
   * are estimated anew on its first 2,048 training images (as training saw them), and left in the network at the end.
   * Training itself goes on with its own weights. Default: none, the last weights.
   */
  average?: AverageOptions;
  /** Kept in checkpoints; a run can be resumed only with an equal one. Plain JSON. */
  config?: unknown;
  /** Where to go on. Network, optimizer and options must be made as for the first part. */
  resume?: Checkpoint;
  /** Stops at the next step boundary. The checkpoint of the last complete epoch stays the last. */
  signal?: AbortSignal;
  /**
   * Called before every step; what it does may depend on its argument only, or resuming changes the result. Modules
   * that it puts into evaluation mode (frozen batch norms) stay so.
   */
  beforeStep?: (point: SchedulePoint) => void;
}

/** What is called with a run's figures. */
export interface ProgressOptions<Metrics extends RunMetrics = RunMetrics, Progress = never> {
  /** Called after every step. */
  onProgress?: (progress: Progress) => void;
  /** Called after every epoch, before its checkpoint. Awaited. */
  onEpoch?: (metrics: Metrics) => void | Promise<void>;
  /** Takes the checkpoint of every epoch. Awaited. */
  onCheckpoint?: (bytes: Uint8Array, metrics: Metrics) => void | Promise<void>;
  /**
   * Steps between checkpoints within an epoch, for epochs of hours; or a function that is asked after each step whether
   * there shall be one, such as every so many seconds (of a run that has no other ranks). Default: none but at its end.
   */
  checkpointEvery?: number | ((step: number) => boolean);
  /** Takes the checkpoints within epochs, and that of the step that `signal` ended the run after. Awaited. */
  onStepCheckpoint?: (bytes: Uint8Array) => void | Promise<void>;
  /** What looks on and may end the run: `earlyStop()`, `best()`, your own. Called in order, after `onEpoch`. */
  callbacks?: readonly Callback<Metrics>[];
}

/** Choices of `fit` on images. */
export interface FitOptions extends CommonOptions, ProgressOptions<EpochMetrics, FitProgress> {
  /** Images in a step. Default 128. */
  batch?: number;
  /** Names the order of batches and the augmentation, with the epoch. Default 1. */
  seed?: number;
  /** Share of each target spread over all classes, in [0, 1]. Default 0. */
  labelSmoothing?: number;
  /**
   * α of mixup (Zhang et al. 2018): each image is blended with another one of its batch (of its shard), by parts λ and
   * 1 − λ of Beta(α, α), and so are their targets. The training accuracy counts the label with the larger part.
   * Default 0: none.
   */
  mixup?: number;
  /** A teacher beside the labels. Default none: cross-entropy alone. */
  loss?: Distillation;
  /** Augmentation. Default none. */
  transforms?: readonly ImageTransform[];
  /** Skip an incomplete last batch. Default: only one of a single image, which batch norm cannot take. */
  dropLast?: boolean;
  /** Evaluated after every epoch, or every {@link CommonOptions.validateEvery} of them. */
  validation?: ImageDataset | BatchLoader;
  /** Images at once in evaluation. Default 256. */
  evalBatch?: number;
}

/** What `fit` did. */
export interface FitResult<Metrics extends RunMetrics = EpochMetrics> {
  /** Epochs that this call completed: the history of the run. */
  metrics: Metrics[];
  /** Epochs that are complete in all. */
  epoch: number;
  /** True if the signal ended the run early. */
  stopped: boolean;
}

/** An object that has these methods. */
function withMethods(expected: string, ...methods: readonly string[]): Rule {
  return (value) => {
    const has = (name: string): boolean => typeof (value as Record<string, unknown>)[name] === "function";
    return record(value) === null && methods.every(has) ? null : expected;
  };
}

/** An AbortSignal, of any realm. */
export const signalRule = withMethods("an AbortSignal", "throwIfAborted");
const optimizerRule = withMethods("an optimizer", "parameters", "zeroGrad", "step", "stateDict");
/** A network. */
export const moduleRule = instanceOf(Module, "a Module");

const loaderRules = {
  batch: integer(1),
  seed: seedRule,
  transforms: listOf(transformRule),
  dropLast: flag,
} as const;

const HOOKS = ["onStart", "onEpoch", "onEnd", "onCheckpoint"] as const;
/** An object with at least one of a callback's methods, and none of them anything but a function. */
const isCallback: Rule = (value) => {
  const given = HOOKS.map((name) => (Object(value) as Record<string, unknown>)[name]).filter(
    (hook) => hook !== undefined,
  );
  const good = given.length > 0 && given.every((hook) => typeof hook === "function");
  return good ? null : `a callback: an object with functions ${HOOKS.join(", ")} or some of them`;
};

/** When there are checkpoints within an epoch. */
export const CHECKPOINT_EVERY: Rule = either(integer(1), callable);

/** Rules of what every run may be told. */
export const RUN_RULES: OptionRules<CommonOptions & ProgressOptions> = {
  epochs: integer(0),
  optimizer: optimizerRule,
  schedule: callable,
  clipGradNorm: atLeast(0),
  recalibrate: oneOf("auto", true, false),
  validateEvery: integer(1),
  average: averageRule,
  config: anything,
  resume: record,
  signal: signalRule,
  beforeStep: callable,
  ...TOGETHER_RULES,
  onProgress: callable,
  onEpoch: callable,
  onCheckpoint: callable,
  checkpointEvery: CHECKPOINT_EVERY,
  onStepCheckpoint: callable,
  callbacks: listOf(isCallback),
};

const rules: OptionRules<FitOptions> = {
  ...loaderRules,
  ...RUN_RULES,
  labelSmoothing: within(0, 1),
  mixup: atLeast(0),
  loss: instanceOf(Distillation, "what distillation(teacher) gives: images have cross-entropy"),
  validation: anything,
  evalBatch: integer(1),
};

/** Refuses images that are neither a data set nor a loader. @throws ArgumentError, DTypeError, FormatError */
export function checkImages(op: string, name: string, data: ImageDataset | BatchLoader): void {
  check(op, name, data, record, "a data set (see imageDataset) or a loader of batches");
  if (isBatchLoader(data)) checkBatchLoader(op, data);
  else checkImageDataset(op, data);
}

/** Refuses looks at nothing. @throws ArgumentError */
export function checkValidateEvery({
  validateEvery,
  validation,
}: {
  validateEvery?: number;
  validation?: unknown;
}): void {
  if (validateEvery === undefined || validation !== undefined) return;
  refuse("fit", "validateEvery", "validation data to look at", validateEvery);
}

/** Refuses what `fit` cannot train with. @throws ArgumentError, DTypeError, FormatError */
export function checkFit(net: Module, data: ImageDataset | BatchLoader, options: FitOptions): void {
  check("fit", "net", net, moduleRule);
  checkImages("fit", "data", data);
  checkOptions("fit", options, rules, ["epochs", "optimizer"]);
  if (options.validation !== undefined) checkImages("fit", "validation", options.validation);
  checkValidateEvery(options);
  // Refuses what JSON cannot hold, before hours of training end in a checkpoint that cannot be written.
  configHash(options.config);
}

/** Refuses options of a training loader. @throws ArgumentError */
export function checkTrainingLoader(options: Pick<FitOptions, keyof typeof loaderRules>): void {
  checkOptions("trainingLoader", options, loaderRules);
}
