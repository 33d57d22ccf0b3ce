/** @file The experiments by topic. */

import { type ConvergenceData, convergenceExperiment } from "./convergence.js";
import { type CorrelationData, correlationExperiment } from "./correlation.js";
import { type DescentData, descentExperiment } from "./descent.js";
import type { Outcome } from "./experiment.js";
import { type InstabilityData, instabilityExperiment } from "./instability.js";
import { type SeparableData, separableExperiment } from "./separable.js";

/** What each experiment's numbers are. */
export interface ExperimentData {
  /** Numbers of the topic `correlation`. */
  readonly correlation: CorrelationData;
  /** Numbers of the topic `descent`. */
  readonly descent: DescentData;
  /** Numbers of the topic `convergence`. */
  readonly convergence: ConvergenceData;
  /** Numbers of the topic `instability`. */
  readonly instability: InstabilityData;
  /** Numbers of the topic `separable`. */
  readonly separable: SeparableData;
}

/** Names of the experiments, in the order of docs/theory.md. */
export type Topic = keyof ExperimentData;

/** The experiments: seed → numbers and claims. */
export const experiments: { readonly [T in Topic]: (seed: number) => Outcome<ExperimentData[T]> } = {
  correlation: (seed) => correlationExperiment(seed),
  convergence: convergenceExperiment,
  instability: instabilityExperiment,
  descent: descentExperiment,
  separable: separableExperiment,
};
