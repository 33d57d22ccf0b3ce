/** @file What quantization does while a network trains: flips, saturation, dead codes, steps. */
import { check, instanceOf, list, listOf, record } from "../core/checks.js";
import { Module } from "../nn/module.js";
import { isQuantLayer, type QuantLayer } from "./layers.js";
import { Staircase } from "./staircase.js";

/** A weight layer since the last reading. */
export interface WeightDiagnostics {
  /** Path of the layer. */
  readonly name: string;
  /** Mean share of codes that one re-projection changed, in [0, 1]; 0 if there was none. */
  readonly flipRatio: number;
  /** Share of codes 0 now; always 0 for 1 bit. */
  readonly zeroShare: number;
  /** Share of codes at ±top now; 1 − zeroShare for 1 and 2 bits. */
  readonly saturation: number;
  /** δ now: mean over channels. */
  readonly delta: number;
  /** Share of codes that the optimizer keeps as they are now. */
  readonly frozenShare: number;
}

/** An activation layer since the last reading. Shares are NaN if nothing was counted. */
export interface ActivationDiagnostics {
  /** Path of the layer. */
  readonly name: string;
  /** α now. */
  readonly alpha: number;
  /** α at this and all earlier readings. */
  readonly alphaTrace: readonly number[];
  /** Share of outputs at the top code L. */
  readonly saturation: number;
  /** Share of outputs that are 0. */
  readonly zeroShare: number;
  /** Codes 0…L that never came out. */
  readonly deadCodes: readonly number[];
  /** How often each code 0…L came out. */
  readonly counts: readonly number[];
}

/** Sums between two readings of a {@link QuantWatch}, layer by layer. */
export interface WatchCounts {
  readonly flips: readonly { readonly flips: number; readonly projections: number }[];
  readonly codes: readonly (readonly number[])[];
}

/** What {@link QuantWatch.read} gives. */
export interface QuantDiagnostics {
  /** One entry for each quantized weight. */
  readonly weights: readonly WeightDiagnostics[];
  /** One entry for each staircase. */
  readonly activations: readonly ActivationDiagnostics[];
}

/**
 * Watches a network: counts the codes of its staircases and the flips of its weights from one reading to the next.
 * Costs one pass over the codes in each forward, until `stop()`.
 *
 * @example
 * const watch = new QuantWatch(net);
 * net.forward(x);
 * console.log(watch.read().activations[0].saturation);
 * watch.stop();
 */
export class QuantWatch {
  readonly #weights: [string, QuantLayer][] = [];
  readonly #activations: [string, Staircase][] = [];
  readonly #traces = new Map<Staircase, number[]>();

  constructor(net: Module) {
    check("QuantWatch", "network", net, instanceOf(Module, "a module"));
    for (const [name, module] of net.namedModules()) {
      if (isQuantLayer(module)) this.#weights.push([name, module]);
      if (module instanceof Staircase) this.#activations.push([name, module]);
    }
    this.reset();
  }

  /** What was counted since the last reading, as plain JSON. @throws QuantError if a weight is not finite */
  counted(): WatchCounts {
    // It may re-project, which counts as a flip.
    for (const [, { weight }] of this.#weights) weight.quantized();
    return {
      flips: this.#weights.map(([, { weight }]) => weight.flipTotals),
      codes: this.#activations.map(([, module]) => [...(module.codeCounts ?? [])]),
    };
  }
  /**
   * Adds what was counted elsewhere: by other ranks on their images, or before a run was interrupted.
   * @param flips false: codes alone, where the weights are the same
   * @throws ArgumentError if they are of a network with other layers
   */
  add(counts: WatchCounts, flips: boolean): void {
    check("QuantWatch.add", "counts", counts, record);
    check("QuantWatch.add", "counts.codes", counts.codes, listOf(list, this.#activations.length));
    check("QuantWatch.add", "counts.flips", counts.flips, listOf(record, this.#weights.length));
    this.#activations.forEach(([, module], i) => {
      module.addCodes(counts.codes[i]);
    });
    if (flips) {
      this.#weights.forEach(([, { weight }], i) => {
        weight.addFlips(counts.flips[i]);
      });
    }
  }
  /** Starts counting anew; α traces stay. */
  reset(): void {
    for (const [, { weight }] of this.#weights) weight.resetFlips();
    for (const [, module] of this.#activations) module.countCodes(true);
  }
  /** Ends counting. */
  stop(): void {
    for (const [, module] of this.#activations) module.countCodes(false);
  }
  /**
   * What happened since the last reading (or the start), and starts counting anew.
   * @throws QuantError if a weight is not finite
   */
  read(): QuantDiagnostics {
    const reading = {
      weights: this.#weights.map(([name, layer]) => weightsOf(name, layer)),
      activations: this.#activations.map(([name, module]) => this.#activation(name, module)),
    };
    this.reset();
    return reading;
  }

  #activation(name: string, module: Staircase): ActivationDiagnostics {
    const alpha = module.alpha.item();
    const trace = this.#traces.get(module) ?? [];
    trace.push(alpha);
    this.#traces.set(module, trace);
    const counts = [...(module.codeCounts ?? new Float64Array(module.top + 1))];
    const total = counts.reduce((sum, count) => sum + count, 0);
    return {
      name,
      alpha,
      alphaTrace: [...trace],
      saturation: counts[module.top] / total,
      zeroShare: counts[0] / total,
      deadCodes: counts.flatMap((count, code) => (count === 0 ? [code] : [])),
      counts,
    };
  }
}

function weightsOf(name: string, { weight }: QuantLayer): WeightDiagnostics {
  // First: it may re-project, which counts as a flip.
  const { codes, delta, top } = weight.quantized();
  const { flips, projections } = weight.flipTotals;
  let zeros = 0;
  let full = 0;
  for (const code of codes.view()) {
    if (code === 0) zeros++;
    else if (Math.abs(code) === top) full++;
  }
  const share = (count: number): number => (codes.size === 0 ? 0 : count / codes.size);
  return {
    name,
    flipRatio: projections === 0 ? 0 : share(flips / projections),
    zeroShare: share(zeros),
    saturation: share(full),
    delta: delta.length === 0 ? 0 : delta.reduce((sum, step) => sum + step, 0) / delta.length,
    frozenShare: share(weight.frozen),
  };
}
