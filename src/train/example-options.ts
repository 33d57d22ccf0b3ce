/** @file What `fit` and `evaluate` are told of examples of any task, and the checks of it. */
import {
  anything,
  check,
  checkOptions,
  flag,
  integer,
  list,
  type OptionRules,
  record,
  refuse,
  within,
} from "../core/checks.js";
import { Rng } from "../core/rng.js";
import { ExampleLoader, type ExampleSource } from "../data/example-loader.js";
import {
  type ExampleDataset,
  type ExampleFields,
  exampleDataset,
  exampleSubset,
  isExampleDataset,
} from "../data/examples.js";
import { dropsLast } from "../data/loader.js";
import { seedRule } from "../data/streams.js";
import { configHash } from "./digest.js";
import { Distillation } from "./distillation.js";
import { type Loss, resolveLoss } from "./losses.js";
import { type MetricChoice, resolveMetrics } from "./measures.js";
import type { TaskMetrics } from "./metrics.js";
import {
  type CommonOptions,
  checkValidateEvery,
  type ProgressOptions,
  RUN_RULES,
  type TaskProgress,
} from "./options.js";
import type { Judgement } from "./task.js";

/** Examples in any of their forms. */
export type ExampleInput = ExampleFields | ExampleDataset | ExampleSource;

/** What is minimized and measured. */
export interface JudgementOptions {
  /**
   * Default `crossEntropy` where all targets are integers in one row; others must be named. `distillation(teacher)`, in
   * `fit`, is cross-entropy with a teacher.
   */
  loss?: Loss | Distillation;
  /** Default none. */
  metrics?: readonly MetricChoice[];
}

/** Choices of `fit` on examples. */
export interface TaskOptions extends CommonOptions, JudgementOptions, ProgressOptions<TaskMetrics, TaskProgress> {
  /** Examples in a step; a source of batches has its own. Default 32. */
  batch?: number;
  /** Names the order of examples, with the epoch, and the validation share. Default 1. */
  seed?: number;
  /** Skip an incomplete last batch. Default: only one of a single example, which batch norm cannot take. */
  dropLast?: boolean;
  /**
   * Judged after every epoch, or every `validateEvery` of them: examples, or the share of `data` (drawn at random by
   * the seed) that is set aside, in (0, 1).
   */
  validation?: ExampleInput | number;
  /** Examples at once in validation. Default 256. */
  evalBatch?: number;
}

const rules: OptionRules<TaskOptions> = {
  ...RUN_RULES,
  loss: anything,
  metrics: list,
  batch: integer(1),
  seed: seedRule,
  dropLast: flag,
  validation: anything,
  evalBatch: integer(1),
};

const isSource = (data: unknown): data is ExampleSource =>
  typeof (data as Partial<ExampleSource>)?.epoch === "function" && !("imageShape" in (data as object));

/** True for examples, false for labelled images. */
export function isExamples(data: unknown): data is ExampleInput {
  if (typeof data !== "object" || data === null) return false;
  return "y" in data || isExampleDataset(data) || isSource(data);
}

/** A source of batches, as they come. @throws ArgumentError, ShapeError */
export function sourceOf(op: string, data: ExampleInput, batch: number): ExampleSource {
  if (isSource(data)) {
    check(op, "batches of the source", data.batches, integer(1));
    return data;
  }
  return new ExampleLoader(datasetOf(data), { batch });
}

function datasetOf(data: ExampleFields | ExampleDataset): ExampleDataset {
  return isExampleDataset(data) ? data : exampleDataset(data);
}

/** Loss and metrics; without a loss, targets that are class numbers decide. @throws ArgumentError */
export function judgementOf(op: string, { loss, metrics = [] }: JudgementOptions, data: ExampleInput): Judgement {
  const own = loss ?? (areClassNumbers(data) ? "crossEntropy" : undefined);
  if (own instanceof Distillation) {
    if (op !== "fit") refuse(op, "loss", "a loss of outputs and targets: teachers are for fit", own);
    return {
      loss: resolveLoss(op, "crossEntropy"),
      metrics: resolveMetrics(op, metrics),
      distillation: own,
    };
  }
  if (own === undefined) refuse(op, "loss", "a loss for these targets, such as mse or binaryCrossEntropy", loss);
  return { loss: resolveLoss(op, own), metrics: resolveMetrics(op, metrics), distillation: null };
}

function areClassNumbers(data: ExampleInput): boolean {
  if (isSource(data)) return false;
  const { shape, data: values, step } = datasetOf(data).targets;
  return shape.length === 1 && step === undefined && values.every((value) => Number.isInteger(value) && value >= 0);
}

/** Training and validation data, loss and metrics of a run. @throws ArgumentError, ShapeError */
export function examplesOf(
  data: ExampleInput,
  options: TaskOptions,
): { source: ExampleSource; validation: ExampleSource | null; judgement: Judgement } {
  checkOptions<TaskOptions>("fit", options, rules, ["epochs", "optimizer"]);
  configHash(options.config);
  checkValidateEvery(options);
  const { batch = 32, seed = 1, evalBatch = 256, validation } = options;
  const judgement = judgementOf("fit", options, data);
  const asLoader = (set: ExampleDataset): ExampleLoader => {
    const { dropLast = dropsLast(set.count, batch, options.shards) } = options;
    return new ExampleLoader(set, { batch, shuffle: true, seed, dropLast });
  };
  if (typeof validation === "number") {
    check("fit", "validation", validation, within(0, 1), "a share between 0 and 1, or examples");
    if (isSource(data))
      refuse("fit", "validation", "examples of their own: a source of batches cannot be divided", validation);
    const [held, kept] = divided(datasetOf(data as ExampleFields), validation, seed);
    return { source: asLoader(kept), validation: new ExampleLoader(held, { batch: evalBatch }), judgement };
  }
  if (validation !== undefined) check("fit", "validation", validation, record);
  return {
    source: isSource(data) ? sourceOf("fit", data, batch) : asLoader(datasetOf(data)),
    validation: validation === undefined ? null : sourceOf("fit", validation, evalBatch),
    judgement,
  };
}

/** A share of the examples, drawn by the seed, and the others. */
function divided(set: ExampleDataset, share: number, seed: number): [held: ExampleDataset, kept: ExampleDataset] {
  const count = Math.round(share * set.count);
  if (count === 0 || count === set.count) {
    refuse("fit", "validation", `a share that leaves examples on both sides of ${set.count}`, share);
  }
  const order = new Rng(seed).fork("validation").permutation(set.count);
  return [exampleSubset(set, order.slice(0, count).sort()), exampleSubset(set, order.slice(count).sort())];
}
