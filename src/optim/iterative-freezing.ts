/** @file Iterative freezing: quantized weights whose codes flip back and forth keep one of them. */
import { below, checkOptions, integer, type OptionRules } from "../core/checks.js";
import { StateError } from "../core/errors.js";
import type { HostArray } from "../nn/state.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { withGradients } from "./groups.js";
import { OSCILLATION_ARRAYS, Oscillations } from "./oscillations.js";
import { takeArrays, takeValues } from "./state.js";
import type { OptimizerLike, OptimizerState } from "./types.js";
import { checkOptimizer, OptimizerWrapper } from "./wrapper.js";

/** Options of {@link IterativeFreezing}. */
export interface FreezingOptions {
  /** Frequency of oscillations, in [0, 1), above which a weight's code is frozen. The authors go down to 0.01. */
  threshold: number;
  /** Share m of one step in the running means, in (0, 1). Default 0.01: they look back about 100 steps. */
  momentum?: number;
  /** First step (from 0) that is looked at. Default 0; a late phase of training is what it is for. */
  fromStep?: number;
}

const RULES: OptionRules<FreezingOptions> = {
  threshold: below(0, 1),
  momentum: (value) => (value === 0 ? "a number above 0" : below(0, 1)(value)),
  fromStep: integer(0),
};

/**
 * Freezes the codes of weights that oscillate. Of every weight of a {@link QuantParameter} that has a gradient, with o_t
 * = 1 where its code changes against the direction of its last change, else 0:
 *
 *     f ← (1 − m) f + m·o_t,   c ← (1 − m) c + m·code
 *
 * Where f exceeds the threshold, the code becomes the one nearest to c and stays: from then on the latent weight is
 * δ·code, and follows δ; with 1 bit it keeps its magnitude. Scales δ and all other weights go on learning. Weights that
 * `BinaryRelax` still relaxes are not looked at: their codes are not what forward passes see.
 *
 * @param base the optimizer that takes the steps; owned from now on
 * @param options threshold of f, share m of a step, and when it begins
 * @gradient none of its own
 * @throws ArgumentError on what is no optimizer, or options out of range; QuantError from `step()` if a weight is not
 * finite
 * @see Nagel et al. 2022, Overcoming Oscillations in Quantization-Aware Training (arXiv:2203.08086), §4.2
 * @example
 * const optimizer = new IterativeFreezing(new BCGD(net.parameters(), { lr: 0.01 }), { threshold: 0.02, fromStep: 4000 });
 */
export class IterativeFreezing extends OptimizerWrapper {
  readonly #threshold: number;
  readonly #momentum: number;
  readonly #fromStep: number;
  readonly #weights: readonly (QuantParameter | null)[];
  #tallies = new Map<QuantParameter, Oscillations>();
  #steps = 0;

  constructor(base: OptimizerLike, options: FreezingOptions) {
    super(checkOptimizer("IterativeFreezing", "base", base, "an optimizer"));
    checkOptions("IterativeFreezing", options, RULES, ["threshold"]);
    const { threshold, momentum = 0.01, fromStep = 0 } = options;
    this.#threshold = threshold;
    this.#momentum = momentum;
    this.#fromStep = fromStep;
    this.#weights = base
      .parameters()
      .map((parameter) => (parameter instanceof QuantParameter && parameter.size > 0 ? parameter : null));
  }

  /** Share of all quantized weights whose code is frozen, in [0, 1]. */
  get frozenShare(): number {
    let [frozen, all] = [0, 0];
    for (const weight of this.#weights) {
      if (weight === null) continue;
      frozen += weight.frozen;
      all += weight.size;
    }
    return all === 0 ? 0 : frozen / all;
  }

  /** Looks at what flipped, steps, and puts back what is frozen. */
  step(): void {
    if (this.#steps < this.#fromStep) this.base.step();
    else this.#stepFrozen();
    this.#steps++;
  }
  #stepFrozen(): void {
    const weights = withGradients("IterativeFreezing", this.parameters()).flatMap(({ parameter }) =>
      parameter instanceof QuantParameter && parameter.size > 0 && parameter.relax === null ? [parameter] : [],
    );
    // All projections before any change: one that cannot be made leaves everything as it was.
    for (const weight of weights) weight.quantized();
    const held = weights.map((weight): [QuantParameter, () => void] => {
      const quantized = weight.quantized();
      const known = this.#tallies.get(weight);
      known?.look(quantized, this.#momentum, this.#threshold);
      const tally = known ?? new Oscillations(quantized.codes.view());
      this.#tallies.set(weight, tally);
      weight.frozen = tally.frozen;
      return [weight, tally.hold(weight.data, quantized)];
    });
    this.base.step();
    for (const [weight, putBack] of held) {
      if (weight.frozen === 0) continue;
      putBack();
      weight.markChanged("IterativeFreezing.step");
    }
  }

  /** The base optimizer's state, the count of steps, and for each weight its running means and codes. */
  stateDict(): OptimizerState {
    const { arrays, values } = this.base.stateDict();
    const own: [string, HostArray][] = [];
    this.#weights.forEach((weight, i) => {
      const tally = weight === null ? undefined : this.#tallies.get(weight);
      if (weight === null || tally === undefined) return;
      for (const [name, data] of Object.entries(tally.state()))
        own.push([`${i}.${name}`, { shape: weight.shape, data }]);
    });
    return { arrays: new Map([...arrays, ...own]), values: { ...values, "freeze.steps": this.#steps } };
  }
  /** @throws StateError as the base optimizer, or on means and codes that are none; nothing is changed then */
  loadStateDict(state: OptimizerState): void {
    const { own, rest } = takeValues("IterativeFreezing", state, { "freeze.steps": integer(0) });
    const { own: saved, rest: inner } = takeArrays("IterativeFreezing", rest, OSCILLATION_ARRAYS, this.#weights);
    const tallies = new Map<QuantParameter, Oscillations>();
    for (const [index, arrays] of saved) {
      const weight = this.#weights[index] as QuantParameter;
      const tally = Oscillations.from(arrays, weight.projection.top);
      if (tally === null) {
        throw new StateError({
          op: "IterativeFreezing",
          what: `the state of parameter ${index} is not what it keeps`,
          expected: `frequencies in [0, 1], and codes and means of at most ${weight.projection.top}`,
          got: "others",
          hint: "nothing was changed",
        });
      }
      tallies.set(weight, tally);
    }
    this.base.loadStateDict(inner);
    this.#tallies = tallies;
    this.#steps = own["freeze.steps"] ?? this.#steps;
    for (const weight of this.#weights) if (weight !== null) weight.frozen = tallies.get(weight)?.frozen ?? 0;
  }
  /** Frees the state and lets all codes go; the parameters stay. */
  override dispose(): void {
    for (const weight of this.#weights) if (weight !== null) weight.frozen = 0;
    this.#tallies.clear();
    super.dispose();
  }
}
