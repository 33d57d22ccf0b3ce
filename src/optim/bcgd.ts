/** @file Blended coarse gradient descent over any optimizer, and its relatives BinaryConnect and BinaryRelax. */
import {
  anything,
  atLeast,
  callable,
  check,
  checkOptions,
  integer,
  type OptionRules,
  oneOf,
  refuse,
  within,
} from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { blendCodes } from "../ndarray/update.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { filledGroups, withGradients } from "./groups.js";
import { SGD, SGD_RULES, type SGDOptions } from "./sgd.js";
import { takeValues } from "./state.js";
import type { OptimizerLike, OptimizerState, ParametersOrGroups } from "./types.js";
import { checkOptimizer, OptimizerWrapper } from "./wrapper.js";

/** How blending goes over the steps: ρ in each of them, or ρ·`lrFactor`, the part of the rate that a schedule leaves. */
export type RhoSchedule = "constant" | "lr";

/** How {@link BCGD} blends. */
export interface BlendOptions {
  /** Blending ρ in [0, 1]. Default 1e-5; 0 is BinaryConnect, 1 projected coarse gradient descent. */
  rho?: number;
  /** @default "constant", as in the paper */
  rhoSchedule?: RhoSchedule;
}

/** Options of {@link BCGD} over SGD. */
export interface BCGDOptions extends Partial<SGDOptions>, BlendOptions {
  lr: number;
}

/** Options of {@link BCGD} over an optimizer of choice. */
export interface BCGDBase extends BlendOptions {
  /** Makes the optimizer that steps the blended weights. */
  base: (parameters: ParametersOrGroups<SGDOptions>) => OptimizerLike;
}

/**
 * Blended coarse gradient descent:
 *
 *     w_f ← (1 − ρ) w_f + ρ w,   then one step of the base optimizer with the coarse gradient at w,   then w = proj(w_f)
 *
 * Blending is for {@link QuantParameter}s that have a gradient; all other parameters take the base optimizer's step
 * alone. The projection is made at the next forward pass. ρ = 0 skips blending: BinaryConnect, bit for bit the base
 * optimizer.
 *
 * With `rhoSchedule: "lr"` the step blends by min(1, ρ·`lrFactor`): as the rate falls, a constant ρ comes to outweigh
 * the gradients, and no code flips any more long before the rate is zero.
 *
 * @param parameters parameters or groups, as the base optimizer takes them
 * @param options options of SGD and those of blending; or `base`, which makes another optimizer, and those of blending
 * @gradient coarse: whatever gradients the parameters hold
 * @throws ArgumentError on ρ outside [0, 1], or options of SGD beside a base; QuantError from `step()` if a weight is
 * not finite
 * @see BCGD §4
 * @example
 * const optimizer = new BCGD(net.parameters(), { lr: 0.02, momentum: 0.95, weightDecay: 1e-4, rho: 1e-5 });
 */
export class BCGD extends OptimizerWrapper {
  /** How blending goes over the steps. */
  readonly rhoSchedule: RhoSchedule;
  #rho: number;

  constructor(parameters: ParametersOrGroups<SGDOptions>, options: BCGDOptions | BCGDBase) {
    checkBCGD("BCGD", options);
    const { rho = 1e-5, rhoSchedule = "constant", ...rest } = options;
    super(
      "base" in rest && rest.base !== undefined
        ? made(rest.base, parameters)
        : new SGD(parameters, rest as BCGDOptions),
    );
    this.#rho = rho;
    this.rhoSchedule = rhoSchedule;
  }

  /** Blending ρ; may be changed between steps. @throws ArgumentError outside [0, 1] */
  get rho(): number {
    return this.#rho;
  }
  set rho(value: number) {
    this.#rho = checkRho(value);
  }
  /** Blends, then steps. */
  step(): void {
    const rho = this.rhoSchedule === "lr" ? Math.min(1, this.#rho * this.lrFactor) : this.#rho;
    if (rho > 0) {
      const blended: QuantParameter[] = [];
      for (const { parameter } of withGradients("BCGD", this.parameters())) {
        if (parameter instanceof QuantParameter) blended.push(parameter);
      }
      // All projections before any change: one that cannot be made leaves all weights as they were.
      for (const parameter of blended) parameter.quantized();
      for (const parameter of blended) blend(parameter, rho);
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
    const { own, rest } = takeValues("BCGD", state, { rho: within(0, 1) });
    this.base.loadStateDict(rest);
    this.#rho = own.rho ?? this.#rho;
  }
}

function checkRho(rho: number): number {
  check("BCGD", "rho", rho, within(0, 1));
  return rho;
}

const BLEND_RULES: OptionRules<BlendOptions> = { rho: within(0, 1), rhoSchedule: oneOf("constant", "lr") };
const BCGD_RULES: OptionRules<BCGDOptions & BCGDBase> = { ...SGD_RULES, ...BLEND_RULES, base: callable };

/** Refuses unknown options, a bad ρ, and options of SGD beside a base. @throws ArgumentError */
function checkBCGD(op: string, options: BCGDOptions | BCGDBase): void {
  if (options === undefined) refuse(op, "options", "an object", options);
  checkOptions<BlendOptions & { base?: unknown }>(op, options, { ...BCGD_RULES, ...ANY_SGD } as never);
  const { rho: _, rhoSchedule: __, base, ...others } = options as BCGDOptions & BCGDBase;
  const beside = Object.keys(others);
  if (base !== undefined && beside.length > 0) {
    throw new ArgumentError({
      op,
      what: "options beside a base optimizer",
      expected: "base, rho and rhoSchedule alone",
      got: beside.join(", "),
      hint: "give them to the base optimizer",
    });
  }
}

/** Names of SGD's options: their values are for SGD to refuse. */
const ANY_SGD = Object.fromEntries(Object.keys(SGD_RULES).map((name) => [name, anything]));

/** The base optimizer that the user's function makes. @throws ArgumentError if it is none */
function made(base: BCGDBase["base"], parameters: ParametersOrGroups<SGDOptions>): OptimizerLike {
  filledGroups("BCGD", parameters, {} as SGDOptions, undefined);
  return checkOptimizer("BCGD", "base", base(parameters), "a function that makes an optimizer of the parameters");
}

/** w_f ← (1 − ρ)·w_f + ρ·δq in place, with each channel's δ. */
function blend(parameter: QuantParameter, rho: number): void {
  const { codes, delta } = parameter.quantized();
  blendCodes(parameter.data, codes, delta, rho);
  parameter.markChanged("BCGD.step");
}

/**
 * BinaryConnect (Courbariaux et al. 2015): coarse gradients at the quantized weights step the float ones, without
 * blending. {@link BCGD} with ρ = 0.
 *
 * @see BCGD §4
 */
export class BinaryConnect extends BCGD {
  constructor(
    parameters: ParametersOrGroups<SGDOptions>,
    options: Omit<BCGDOptions, keyof BlendOptions> | Omit<BCGDBase, keyof BlendOptions>,
  ) {
    checkBCGD("BinaryConnect", options as BCGDOptions);
    const { rho, rhoSchedule } = options as BCGDOptions;
    if ("rho" in options) refuse("BinaryConnect", "rho", "no rho: it is 0", rho, "BCGD has one");
    if ("rhoSchedule" in options) {
      refuse("BinaryConnect", "rhoSchedule", "no rhoSchedule: rho is 0", rhoSchedule, "BCGD has one");
    }
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

const RELAX_RULES: OptionRules<RelaxOptions> = {
  eta: atLeast(0),
  growth: atLeast(1),
  growEvery: integer(1),
  exactFrom: atLeast(0),
};

/**
 * BinaryRelax (Yin et al. 2018): forward passes see (η·proj(w_f) + w_f)/(1 + η) with η growing geometrically, then the
 * exact projection.
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
    options: Omit<BCGDOptions, keyof BlendOptions> | Omit<BCGDBase, keyof BlendOptions>,
    relax: RelaxOptions,
  ) {
    checkOptions("BinaryRelax", relax, RELAX_RULES, ["growEvery", "exactFrom"]);
    super(parameters, options);
    const { eta = 1, growth = 1.02, growEvery, exactFrom } = relax;
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
    const { own, rest } = takeValues("BinaryRelax", state, { "relax.eta": atLeast(0), "relax.steps": integer(0) });
    super.loadStateDict(rest);
    this.#eta = own["relax.eta"] ?? this.#eta;
    this.#steps = own["relax.steps"] ?? this.#steps;
    this.#apply();
  }
  /** Frees the state and ends the relaxation; the parameters stay. */
  override dispose(): void {
    this.#apply(null);
    super.dispose();
  }
}
