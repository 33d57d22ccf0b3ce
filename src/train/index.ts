/** @file Training, evaluation and checkpoints. */
export { PIXEL_STEP } from "../codes/scales.js";
export type { AverageOptions, AverageState } from "./average.js";
export {
  best,
  type Callback,
  type CallbackEpoch,
  type CallbackStart,
  type EarlyStopOptions,
  earlyStop,
  type MonitorOptions,
} from "./callbacks.js";
export {
  type Checkpoint,
  type CheckpointSource,
  loadCheckpoint,
  restoreCheckpoint,
  saveCheckpoint,
} from "./checkpoint.js";
export { canonicalJson, configHash, stateDigest, weightsDigest } from "./digest.js";
export {
  Distillation,
  type DistillationOptions,
  distillation,
  type Lesson,
  type LossParts,
  type TeacherSession,
} from "./distillation.js";
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type TaskEvaluateOptions,
  type TaskEvaluation,
} from "./evaluate.js";
export type { ExampleInput, JudgementOptions, TaskOptions } from "./example-options.js";
export { type FitOptions, type FitProgress, type FitResult, fit, trainingLoader } from "./fit.js";
export { countHits, type Hits, imageTensor, labelTensor } from "./input.js";
export type { Loss, LossFunction, LossName } from "./losses.js";
export {
  confusionMatrix,
  type Gathering,
  type Metric,
  type MetricArray,
  type MetricChoice,
  type MetricFunction,
  type MetricName,
} from "./measures.js";
export type { AverageMetrics, EpochMetrics, LayerMetrics, RunMetrics, TaskMetrics } from "./metrics.js";
export type { NormStatistics, Recalibrate } from "./norm-statistics.js";
export type { TaskProgress } from "./options.js";
export { type Prediction, predict } from "./predict.js";
export { type LoadWeightsOptions, load, type SaveOptions, save } from "./weights-file.js";
