/** @file Blended coarse gradient descent over any optimizer, and its relatives BinaryConnect and BinaryRelax. */
import { ArgumentError } from "../core/errors.js";
import { kernelsFor } from "../kernels/engine.js";
import type { Parameter } from "../nn/parameter.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { checkOption, type OptimizerLike, type OptimizerState, type ParametersOrGroups } from "./optimizer.js";
import { SGD, type SGDOptions } from "./sgd.js";

/** Options of {@link BCGD} over SGD. */
export interface BCGDOptions extends Partial<SGDOptions> {
  lr: number;
  /** Blending ρ in [0, 1]. Default 1e-5; 0 is BinaryConnect, 1 projected coarse gradient descent. */
  rho?: number;
}

/** Options of {@link BCGD} over an optimizer of choice. */
export interface BCGDBase {
  /** Makes the optimizer that steps the blended weights. */
  base: (parameters: ParametersOrGroups<SGDOptions>) => OptimizerLike;
  /** Blending ρ in [0, 1]. Default 1e-5. */
  rho?: number;
}

/**
 * Blended coarse gradient descent:
 *
 *     w_f ← (1 − ρ) w_f + ρ w,   then one step of the base optimizer with the coarse gradient at w,   then w = proj(w_f)
 *
 * Blending is for {@link QuantParameter}s that have a gradient; all other parameters take the base optimizer's step alone. The projection is made at the
 * next forward pass. ρ = 0 skips blending: BinaryConnect, bit for bit the base optimizer.
 *
 * @param parameters parameters or groups, as the base optimizer takes them
 * @param options options of SGD and `rho`; or `base`, which makes another optimizer, and `rho`
 * @gradient coarse: whatever gradients the parameters hold
 * @throws ArgumentError on ρ outside [0, 1], or options of SGD beside a base; QuantError from `step()` if a weight is not finite
 * @see BCGD §4
 * @example
 * const optimizer = new BCGD(net.parameters(), { lr: 0.02, momentum: 0.95, weightDecay: 1e-4, rho: 1e-5 });
 */
export class BCGD implements OptimizerLike {
  /** The optimizer that takes the steps. */
  readonly base: OptimizerLike;
  #rho: number;

  constructor(parameters: ParametersOrGroups<SGDOptions>, options: BCGDOptions | BCGDBase) {
    const { rho = 1e-5, ...rest } = options;
    this.#rho = checkRho(rho);
    if ("base" in rest && rest.base !== undefined) {
      const { base, ...others } = rest;
      const beside = Object.keys(others);
      if (beside.length > 0) {
        throw new ArgumentError({
          op: "BCGD",
          what: "options beside a base optimizer",
          expected: "base and rho alone",
          got: beside.join(", "),
          hint: "give them to the base optimizer",
        });
      }
      this.base = base(parameters);
    } else this.base = new SGD(parameters, rest as BCGDOptions);
  }

  /** Blending ρ; may be changed between steps. @throws ArgumentError outside [0, 1] */
  get rho(): number {
    return this.#rho;
  }
  set rho(value: number) {
    this.#rho = checkRho(value);
  }
  get lr(): number {
    return this.base.lr;
  }
  set lr(value: number) {
    this.base.lr = value;
  }
  get lrFactor(): number {
    return this.base.lrFactor;
  }
  set lrFactor(value: number) {
    this.base.lrFactor = value;
  }
  parameters(): Parameter[] {
    return this.base.parameters();
  }
  /** Forgets all gradients. */
  zeroGrad(): void {
    this.base.zeroGrad();
  }

  /** Blends, then steps. */
  step(): void {
    if (this.#rho > 0) {
      for (const parameter of this.parameters()) {
        if (parameter instanceof QuantParameter && parameter.requiresGrad && parameter.gradient?.alive) {
          blend(parameter, this.#rho);
        }
      }
    }
    this.base.step();
  }

  /** The base optimizer's state, and `rho`. */
  stateDict(): OptimizerState {
    const { arrays, values } = this.base.stateDict();
    return { arrays, values: { ...values, rho: this.#rho } };
  }
  /** @throws StateError as the base optimizer; nothing is changed then */
  loadStateDict(state: OptimizerState): void {
    const { rho, ...values } = state.values;
    if (rho !== undefined) checkRho(rho);
    this.base.loadStateDict({ arrays: state.arrays, values });
    this.#rho = rho ?? this.#rho;
  }
  /** Frees the state; the parameters stay. */
  dispose(): void {
    this.base.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function checkRho(rho: number): number {
  if (rho >= 0 && rho <= 1) return rho;
  throw new ArgumentError({ op: "BCGD", what: "bad rho", expected: "a number in [0, 1]", got: `${rho}` });
}

/** w_f ← (1 − ρ)·w_f + ρ·δq in place, with each channel's δ. */
function blend(parameter: QuantParameter, rho: number): void {
  const { codes, delta } = parameter.quantized();
  const length = delta.length === 0 ? 0 : parameter.size / delta.length;
  const kernels = kernelsFor("f32");
  delta.forEach((step, row) => {
    const at = row * length;
    kernels.f32_blend(parameter.data.ptr + 4 * at, codes.ptr + at, length, step, rho);
  });
  parameter.markChanged("BCGD.step");
}

/**
 * BinaryConnect (Courbariaux et al. 2015): coarse gradients at the quantized weights step the float ones, without blending. {@link BCGD} with ρ = 0.
 *
 * @see BCGD §4
 */
export class BinaryConnect extends BCGD {
  constructor(parameters: ParametersOrGroups<SGDOptions>, options: Omit<BCGDOptions, "rho"> | Omit<BCGDBase, "rho">) {
    super(parameters, { ...options, rho: 0 } as BCGDOptions | BCGDBase);
  }
}

/** How the relaxation of {@link BinaryRelax} goes. */
export interface RelaxOptions {
  /** η of the first step, ≥ 0. Default 1. */
  eta?: number;
  /** η is multiplied by this, ≥ 1. Default 1.02. */
  growth?: number;
  /** Steps from one multiplication to the next, ≥ 1; the authors grow η twice an epoch. */
  growEvery: number;
  /** Step (counted from 0) from which on the weights are quantized exactly. */
  exactFrom: number;
}

/**
 * BinaryRelax (Yin et al. 2018): forward passes see (η·proj(w_f) + w_f)/(1 + η) with η growing geometrically, then the exact projection.
 *
 * Sets `relax` of all {@link QuantParameter}s; `dispose()` and the exact phase set it to null. η is part of the state.
 *
 * @param parameters as for {@link BCGD}
 * @param options options of SGD or `base`; no blending
 * @param relax the schedule of η
 * @throws ArgumentError on options out of range
 * @see BCGD §4 (BinaryRelax, arXiv:1801.06313)
 */
export class BinaryRelax extends BinaryConnect {
  readonly #growth: number;
  readonly #growEvery: number;
  readonly #exactFrom: number;
  #eta: number;
  #steps = 0;

  constructor(
    parameters: ParametersOrGroups<SGDOptions>,
    options: Omit<BCGDOptions, "rho"> | Omit<BCGDBase, "rho">,
    relax: RelaxOptions,
  ) {
    super(parameters, options);
    const { eta = 1, growth = 1.02, growEvery, exactFrom } = relax;
    checkOption("BinaryRelax", "eta", eta, 0);
    checkOption("BinaryRelax", "growth", growth, 1);
    checkOption("BinaryRelax", "growEvery", growEvery, 1);
    checkOption("BinaryRelax", "exactFrom", exactFrom, 0);
    this.#eta = eta;
    this.#growth = growth;
    this.#growEvery = growEvery;
    this.#exactFrom = exactFrom;
    this.#apply();
  }

  /** η of the next forward pass; null once weights are quantized exactly. */
  get eta(): number | null {
    return this.#steps >= this.#exactFrom ? null : this.#eta;
  }
  #apply(eta: number | null = this.eta): void {
    for (const parameter of this.parameters()) if (parameter instanceof QuantParameter) parameter.relax = eta;
  }

  override step(): void {
    super.step();
    this.#steps++;
    // Far beyond any effect, and finite.
    if (this.#steps % this.#growEvery === 0) this.#eta = Math.min(this.#eta * this.#growth, 2 ** 60);
    this.#apply();
  }
  override stateDict(): OptimizerState {
    const { arrays, values } = super.stateDict();
    return { arrays, values: { ...values, "relax.eta": this.#eta, "relax.steps": this.#steps } };
  }
  override loadStateDict(state: OptimizerState): void {
    super.loadStateDict(state);
    this.#eta = state.values["relax.eta"] ?? this.#eta;
    this.#steps = state.values["relax.steps"] ?? this.#steps;
    this.#apply();
  }
  /** Frees the state and ends the relaxation; the parameters stay. */
  override dispose(): void {
    this.#apply(null);
    super.dispose();
  }
}
