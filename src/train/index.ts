/** @file Training, evaluation and checkpoints. */
export { PIXEL_STEP } from "../codes/scales.js";
export {
  type Checkpoint,
  type CheckpointSource,
  loadCheckpoint,
  restoreCheckpoint,
  saveCheckpoint,
} from "./checkpoint.js";
export { canonicalJson, configHash, stateDigest, weightsDigest } from "./digest.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.js";
export { type FitOptions, type FitProgress, type FitResult, fit, trainingLoader } from "./fit.js";
export { countHits, type Hits, imageTensor, labelTensor } from "./input.js";
export type { EpochMetrics, LayerMetrics } from "./metrics.js";
export type { NormStatistics, Recalibrate } from "./norm-statistics.js";
