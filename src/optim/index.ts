/** @file Optimizers and schedules. */
export { Adam, type AdamOptions, AdamW } from "./adam.js";
export { BCGD, type BCGDBase, type BCGDOptions, BinaryConnect, BinaryRelax, type RelaxOptions } from "./bcgd.js";
export { clipGradNorm, clipGradValue } from "./clip-gradients.js";
export {
  type BaseOptions,
  type FilledGroup,
  Optimizer,
  type OptimizerLike,
  type OptimizerState,
  type ParameterGroup,
  type ParametersOrGroups,
  type StepRates,
} from "./optimizer.js";
export * from "./schedule/index.js";
export { SGD, type SGDOptions } from "./sgd.js";
