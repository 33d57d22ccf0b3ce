/** @file Stochastic gradient descent with momentum. */

import { below, checkOptions, flag, type OptionRules } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { sgdStep } from "../ndarray/update.js";
import type { Parameter } from "../nn/parameter.js";
import { filled } from "./groups.js";
import { BASE_RULES, Optimizer, type OptimizerKind } from "./optimizer.js";
import type { BaseOptions, ParametersOrGroups, StepRates } from "./types.js";

/** Options of {@link SGD}; a group may set its own. */
export interface SGDOptions extends BaseOptions {
  /** μ in [0, 1). Default 0. */
  momentum: number;
  /** Look one momentum step ahead. Default false. */
  nesterov: boolean;
}

/** Rules of {@link SGDOptions}. */
export const SGD_RULES: OptionRules<SGDOptions> = { ...BASE_RULES, momentum: below(0, 1), nesterov: flag };

const KIND: OptimizerKind<SGDOptions> = {
  name: "SGD",
  rules: SGD_RULES,
  memory: { arrays: ["velocity"], counts: [] },
};

/**
 * Stochastic gradient descent, as PyTorch's without dampening:
 *
 *     g ← g + λ w;   v ← μ v + g (v = g the first time);   w ← w − η (nesterov ? g + μ v : v)
 *
 * @param options `lr` is required; momentum 0, weightDecay 0, nesterov false
 * @throws ArgumentError on a rate or decay below 0, momentum outside [0, 1), or nesterov without momentum
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(parameters: ParametersOrGroups<SGDOptions>, options: { lr: number } & Partial<SGDOptions>) {
    checkOptions<Partial<SGDOptions>>("SGD", options, KIND.rules, ["lr"]);
    super(parameters, filled({ momentum: 0, weightDecay: 0, nesterov: false }, options) as SGDOptions, KIND);
  }
  protected override checkTogether({ nesterov, momentum }: SGDOptions): void {
    if (!nesterov || momentum > 0) return;
    throw new ArgumentError({ op: "SGD", what: "nesterov without momentum", expected: "momentum > 0", got: "0" });
  }

  protected override update(parameter: Parameter, gradient: NDArray, options: SGDOptions, rates: StepRates): void {
    const velocity = options.momentum === 0 ? null : this.slot(parameter, "velocity");
    sgdStep(parameter.data, gradient, velocity, { ...options, ...rates });
  }
}
