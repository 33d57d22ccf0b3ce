/** @file Optimizers and schedules. */
export { Adam, type AdamOptions, AdamW } from "./adam.js";
export {
  BCGD,
  type BCGDBase,
  type BCGDOptions,
  BinaryConnect,
  BinaryRelax,
  type BlendOptions,
  type RelaxOptions,
  type RhoSchedule,
} from "./bcgd.js";
export { clipGradNorm, clipGradValue } from "./clip-gradients.js";
export { type FreezingOptions, IterativeFreezing } from "./iterative-freezing.js";
export { Optimizer, type OptimizerKind } from "./optimizer.js";
export * from "./schedule/index.js";
export { SGD, type SGDOptions } from "./sgd.js";
export type {
  BaseOptions,
  FilledGroup,
  OptimizerLike,
  OptimizerState,
  ParameterGroup,
  ParametersOrGroups,
  StepRates,
} from "./types.js";
