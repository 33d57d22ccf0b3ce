/** @file Layers, parameters, initial values and losses. */
export {
  binaryCrossEntropy,
  crossEntropy,
  distillationLoss,
  huberLoss,
  l1Loss,
  mse,
  softCrossEntropy,
} from "../autograd/functions.js";
export type { FeatureAffinityLossOptions } from "../ops/feature-affinity.js";
export { Identity, ReLU, ReLU6, Sigmoid, Softmax, Tanh } from "./activation.js";
export {
  BatchNorm,
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormOptions,
  type NormalizeBatchOptions,
} from "./batch-norm.js";
export { Conv2d, type Conv2dOptions } from "./conv.js";
export { ConvTranspose2d, type ConvTranspose2dOptions } from "./conv-transpose.js";
export { Conv1d, type Conv1dOptions } from "./conv1d.js";
export { Dropout } from "./dropout.js";
export { featureAffinityLoss } from "./feature-affinity.js";
export * as init from "./init.js";
export { LayerNorm, type LayerNormOptions } from "./layer-norm.js";
export { Linear, type LinearOptions } from "./linear.js";
export { BinaryCrossEntropyLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss } from "./loss.js";
export { Module } from "./module.js";
export { JoiningActivation, normActivation } from "./norm-activation.js";
export { Normalize, type NormalizeOptions, normalizeInput } from "./normalize.js";
export { Buffer, Parameter, type ParameterConstraint, type ParameterOptions } from "./parameter.js";
export { ELU, GELU, Hardsigmoid, Hardswish, LeakyReLU, PReLU, SELU, SiLU } from "./pointwise.js";
export { AvgPool2d, Flatten, GlobalAvgPool2d, MaxPool2d, type PoolOptions } from "./pool.js";
export { AvgPool1d, GlobalAvgPool1d, MaxPool1d, type Pool1dOptions } from "./pool1d.js";
export { fromPyTorchFlatten, loadPyTorch, type PyTorchReport } from "./pytorch.js";
export { Sequential } from "./sequential.js";
export type { HostArray, LoadReport, StateSource } from "./state.js";
export { Upsample, type UpsampleOptions } from "./upsample.js";
