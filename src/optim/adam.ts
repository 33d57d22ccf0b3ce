/** @file Adam and AdamW. */

import { atLeast, below, checkOptions, record, refuse } from "../core/checks.js";
import { pow } from "../core/math.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { adamStep } from "../ndarray/update.js";
import type { Parameter } from "../nn/parameter.js";
import { filled } from "./groups.js";
import { BASE_RULES, Optimizer, type OptimizerKind } from "./optimizer.js";
import type { BaseOptions, ParametersOrGroups, StepRates } from "./types.js";

/** Options of {@link Adam} and {@link AdamW}; a group may set its own. */
export interface AdamOptions extends BaseOptions {
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  beta1: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  beta2: number;
  /** Added to the root of the second moment. Default 1e-8. */
  eps: number;
}

const ADAM: OptimizerKind<AdamOptions> = {
  name: "Adam",
  rules: { ...BASE_RULES, beta1: below(0, 1), beta2: below(0, 1), eps: atLeast(0) },
  memory: { arrays: ["exp_avg", "exp_avg_sq"], counts: ["step"] },
};
const ADAMW: OptimizerKind<AdamOptions> = { ...ADAM, name: "AdamW" };

/**
 * Adam (Kingma and Ba), as PyTorch's; the decay λ enters the gradient:
 *
 *     g ← g + λ w;   m ← β₁ m + (1−β₁) g;   v ← β₂ v + (1−β₂) g²
 *     w ← w − η · (m / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε)
 *
 * @param options lr 1e-3, beta1 0.9, beta2 0.999, eps 1e-8, weightDecay 0
 * @throws ArgumentError on options out of range
 */
export class Adam extends Optimizer<AdamOptions> {
  /** `kind` is for {@link AdamW}. */
  constructor(parameters: ParametersOrGroups<AdamOptions>, options: Partial<AdamOptions> = {}, kind = ADAM) {
    if (record(kind) !== null || record(kind.rules) !== null) refuse("Adam", "kind", "{ name, rules }", kind);
    checkOptions(kind.name, options, kind.rules);
    super(parameters, filled({ lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 }, options), kind);
  }

  /** True if the decay acts on the weights and not through the gradient. */
  protected get decoupled(): boolean {
    return false;
  }

  protected override update(parameter: Parameter, gradient: NDArray, options: AdamOptions, rates: StepRates): void {
    const t = this.count(parameter, "step");
    const [first, second] = ["exp_avg", "exp_avg_sq"].map((name) => this.slot(parameter, name).array);
    adamStep(
      parameter.data,
      gradient,
      { first, second },
      {
        ...options,
        ...rates,
        decoupled: this.decoupled,
        correction1: 1 - pow(options.beta1, t),
        correction2: 1 - pow(options.beta2, t),
      },
    );
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter), as PyTorch's: w ← w − ηλ w, then Adam's step without λ.
 *
 * @param options as {@link Adam}, but weightDecay 0.01
 */
export class AdamW extends Adam {
  constructor(parameters: ParametersOrGroups<AdamOptions>, options: Partial<AdamOptions> = {}) {
    checkOptions("AdamW", options, ADAMW.rules);
    super(parameters, filled({ weightDecay: 0.01 }, options), ADAMW);
  }
  protected override get decoupled(): boolean {
    return true;
  }
}
