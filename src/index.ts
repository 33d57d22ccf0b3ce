/**
 * @file Root entry: tensors, ops, autograd, memory, errors. Layers, optimizers and the rest have entries of their own.
 */

export type { BackwardOptions } from "./autograd/backward.js";
export { defineOp } from "./autograd/define.js";
export * from "./autograd/functions.js";
export { gradEnabled, noGrad } from "./autograd/graph.js";
export { defaultRng, manualSeed, setDefaultRng } from "./autograd/random.js";
export { type Axes, apply, type Index, type NestedArray, Tensor, type TensorLike } from "./autograd/tensor.js";
export type { DType, TypedArray } from "./core/dtype.js";
export {
  ArgumentError,
  CoarsegradError,
  DataError,
  DisposedError,
  DivergenceError,
  DTypeError,
  type ErrorFields,
  FormatError,
  GradientError,
  MemoryError,
  QuantError,
  ScopeError,
  ShapeError,
  StateError,
  ThreadError,
  WorldError,
} from "./core/errors.js";
export { Rng } from "./core/rng.js";
export { sha256Hex } from "./core/sha256.js";
export type { Shape } from "./core/shape.js";
export {
  type Backend,
  backend,
  type InitOptions,
  init,
  type MemoryInfo,
  memory,
  type RelaxedOptions,
  resetPeakMemory,
  type SyncOptions,
  type ThreadOptions,
  threads,
  type Variant,
  variant,
  type WorkerFactory,
  type WorkerLike,
} from "./kernels/index.js";
export { type Scope, scope } from "./memory/index.js";
export * as arrays from "./ndarray/index.js";
export { NDArray } from "./ndarray/ndarray.js";
export type { SliceRange } from "./ndarray/slice.js";
export type { Padding, Pair } from "./ndarray/window.js";
export type { ConvolutionOptions } from "./ops/conv.js";
export type { DistillationLossOptions } from "./ops/distillation.js";
export type { CrossEntropyOptions } from "./ops/loss.js";
export type { Reduction } from "./ops/loss-reduction.js";
export type { InputInfo, Needs, OpDef, OpResult } from "./ops/op.js";
export type { BinaryCrossEntropyOptions, HuberOptions, LossOptions } from "./ops/pointwise-loss.js";
export type { SoftCrossEntropyOptions } from "./ops/soft-loss.js";
