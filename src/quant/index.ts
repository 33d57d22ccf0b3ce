/**
 * @file Quantization: projections of weights, staircases for activations, quantized layers, and how a float network
 * becomes quantized.
 */
export type { Rounding } from "../codes/staircase.js";
export * from "./alpha-rule.js";
export {
  type CalibratedStep,
  type CalibrateOptions,
  type CalibrationBatch,
  type CalibrationSource,
  calibrate,
  ptq,
  recalibrateBatchNorm,
  type StatisticsOptions,
} from "./calibrate.js";
export { type ComqOptions, type ComqProblem, type ComqResult, comqLayer } from "./comq.js";
export { type ComqLayer, type ComqNetworkOptions, comq } from "./comq-network.js";
export {
  type ActivationDiagnostics,
  type QuantDiagnostics,
  QuantWatch,
  type WeightDiagnostics,
} from "./diagnostics.js";
export { authorsStep, halfGaussianStep } from "./half-gaussian.js";
export { QuantConv1d, QuantConv2d, QuantLinear } from "./layers.js";
export * from "./ops/index.js";
export { authorsPolicy, type LayerPolicy, type QuantPolicy } from "./policy.js";
export { prepare } from "./prepare.js";
export * from "./projection/index.js";
export * from "./proxy.js";
export {
  dequantizeWeight,
  type Granularity,
  type QuantizedWeight,
  QuantParameter,
  type QuantParameterOptions,
} from "./quant-parameter.js";
export { formatQuantReport, type LayerReport, type QuantReport, quantReport } from "./report.js";
export { ALPHA_CONSTRAINT, Staircase, type StaircaseOptions, staircase } from "./staircase.js";
export { type CalibrationMethod, leastSquaresStep } from "./step-search.js";
export type { QuantLayerOptions } from "./weighted-layer.js";
