/**
 * @file The theory laboratory: the two-linear-layer model, its coarse gradients and descents, BCGD on least squares,
 * separable classes.
 */
export { type BcgdOptions, type BcgdState, type BcgdStep, bcgdState, bcgdStep, sharpExample } from "./bcgd.js";
export {
  assemble,
  clippedMoments,
  clippedReluCorrelation,
  type ExpectationOptions,
  expectedClippedRelu,
  expectedCoarseGradient,
  expectedIdentity,
  expectedRelu,
  identityCorrelation,
  type ProxyMoments,
  quadratureMoments,
  reluCorrelation,
} from "./coarse.js";
export {
  criticality,
  type Descent,
  type DescentOptions,
  type DescentPoint,
  type Ending,
  populationDescent,
  type SampleDescentOptions,
  sampleDescent,
} from "./descent.js";
export type { Claim, Outcome } from "./experiments/experiment.js";
export { type ExperimentData, experiments, type Topic } from "./experiments/index.js";
export { type Figures, figures } from "./figures/index.js";
export type { Spec } from "./figures/parts.js";
export { normalDensity, normalDistribution } from "./gaussian.js";
export {
  isotropic,
  type LeastSquares,
  largestEigenvalue,
  leastSquaresGradient,
  leastSquaresLoss,
  randomLeastSquares,
} from "./least-squares.js";
export { type Pose, poseOf, type TwoLayer } from "./model.js";
export { type Estimate, type MonteCarlo, type MonteCarloOptions, monteCarlo, RunningMean } from "./monte-carlo.js";
export { populationGradientV, populationGradientW, populationLoss, spuriousV } from "./population.js";
export { type Integrand, integrate } from "./quadrature.js";
export {
  type QuantizedGradients,
  type QuantizedOptions,
  type QuantizedTwoLayer,
  quantizedGradients,
} from "./quantized.js";
export {
  type BatchGradients,
  type QuantizedDescentOptions,
  type QuantizedEstimates,
  quantizedBatch,
  quantizedDescent,
  quantizedMonteCarlo,
} from "./quantized-sample.js";
export { binaryStep, type SampleGradients, sampleGradients, sampleLoss } from "./sample.js";
export {
  type SeparableDescentOptions,
  type SeparableOptions,
  type SeparablePoint,
  type SeparableSet,
  separableData,
  separableDescent,
} from "./separable.js";
