/** @file Stochastic gradient descent with momentum. */
import { ArgumentError } from "../core/errors.js";
import { kernelsFor } from "../kernels/engine.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { Parameter } from "../nn/parameter.js";
import { type BaseOptions, checkOption, Optimizer, type ParametersOrGroups, type StepRates } from "./optimizer.js";

/** Options of {@link SGD}; a group may set its own. */
export interface SGDOptions extends BaseOptions {
  /** μ in [0, 1). Default 0. */
  momentum: number;
  /** Look one momentum step ahead. Default false. */
  nesterov: boolean;
}

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
    super(parameters, { momentum: 0, weightDecay: 0, nesterov: false, ...options });
    for (const group of this.groups) {
      checkOption("SGD", "momentum", group.options.momentum, 0, 1);
      if (group.options.nesterov && group.options.momentum === 0) {
        throw new ArgumentError({ op: "SGD", what: "nesterov without momentum", expected: "momentum > 0", got: "0" });
      }
    }
  }

  protected override update(parameter: Parameter, gradient: NDArray, options: SGDOptions, rates: StepRates): void {
    const { ptr, size } = parameter.data;
    const velocity = options.momentum === 0 ? null : this.slot(parameter, "velocity");
    kernelsFor(parameter.dtype).f32_sgd_step(
      ptr,
      gradient.ptr,
      velocity?.array.ptr ?? ptr,
      size,
      rates.lr,
      options.momentum,
      rates.weightDecay,
      options.nesterov ? 1 : 0,
      velocity?.fresh ? 1 : 0,
    );
  }
}
