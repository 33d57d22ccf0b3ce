/** @file Averages of weights along a run: exponential ones over steps (EMA), means over the ends of epochs (SWA). */
import { below, check, integer, type Rule, record, refuse } from "../core/checks.js";
import { isFloat } from "../core/dtype.js";
import { StateError } from "../core/errors.js";
import { sameShape, shapeText } from "../core/shape.js";
import type { SafeTensor } from "../io/safetensors.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { Module } from "../nn/module.js";
import { type HostArray, realValues } from "../nn/state.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { canonicalJson } from "./digest.js";

/**
 * Which average of a run's weights is its result: one of the two.
 *
 * `ema`: the decay d in [0, 1) of an exponential average over steps. After step t (from 0) a ← a + (1 − d_t)(w − a)
 * with d_t = min(d, (1 + t)/(10 + t)), so that the first steps are soon forgotten; a starts as the weights of the first
 * step.
 *
 * `swa`: the first epoch (from 1) of those whose last weights are averaged: the mean over all from there on (stochastic
 * weight averaging).
 */
export interface AverageOptions {
  /** Decay of an exponential average, in [0, 1). */
  readonly ema?: number;
  /** First epoch of a mean over epochs, from 1. */
  readonly swa?: number;
}

/** An average as it stands in a checkpoint. */
export interface AverageState {
  /** Which kind it is of. */
  readonly options: AverageOptions;
  /** Steps or epochs that it is made of. */
  readonly updates: number;
  /** Values by state-dict key; none before the first. */
  readonly arrays: ReadonlyMap<string, SafeTensor | HostArray>;
}

const decay = below(0, 1);
const epoch = integer(1);

/** Exactly one kind of average. */
export const averageRule: Rule = (value) => {
  const expected = "{ ema: a decay in [0, 1) } or { swa: an epoch from 1 }";
  if (record(value) !== null) return expected;
  const { ema, swa, ...others } = value as AverageOptions;
  if (Object.keys(others).length > 0 || (ema === undefined) === (swa === undefined)) return expected;
  return (ema === undefined ? epoch(swa) : decay(ema)) === null ? null : expected;
};

type Values = Float32Array | Float64Array;

/** The real numbers of a network: parameters with their activation steps, and running statistics. */
function realsOf(net: Module): readonly (readonly [key: string, array: NDArray])[] {
  return [...net.stateDict()].filter(([, { dtype }]) => isFloat(dtype));
}

/** An average that is gathered while a network trains. It lies outside the heap. */
export class WeightAverage {
  readonly #net: Module;
  readonly #options: AverageOptions;
  readonly #arrays: readonly (readonly [key: string, array: NDArray])[];
  #values: Values[] = [];
  #updates = 0;

  /** @throws ArgumentError for an average that begins after the last epoch */
  constructor(net: Module, options: AverageOptions, epochs: number) {
    check("fit", "average", options, averageRule);
    const { swa } = options;
    if (swa !== undefined && swa > epochs) {
      refuse("fit", "average.swa", `an epoch of the run, 1 to ${epochs}`, swa);
    }
    this.#net = net;
    this.#options = options;
    this.#arrays = realsOf(net);
  }
  /** Steps or epochs that it is made of; with 0 there is none yet. */
  get updates(): number {
    return this.#updates;
  }

  /** After every step of the optimizer. */
  stepped(): void {
    const { ema } = this.#options;
    if (ema === undefined) return;
    const t = this.#updates;
    this.#take(1 - Math.min(ema, (1 + t) / (10 + t)));
  }
  /** After every epoch. @param ended how many are complete */
  epochEnded(ended: number): void {
    const { swa } = this.#options;
    if (swa !== undefined && ended >= swa) this.#take(1 / (this.#updates + 1));
  }

  /** a ← a + share·(w − a), in f64, rounded once. */
  #take(share: number): void {
    this.#arrays.forEach(([, array], i) => {
      const now = array.view() as Values;
      const average = this.#values[i];
      if (average === undefined) this.#values[i] = now.slice();
      else for (let k = 0; k < now.length; k++) average[k] += share * (now[k] - average[k]);
    });
    this.#updates++;
  }

  /** Puts the average into the network. @returns puts the weights of training back */
  exchange(): () => void {
    const training = this.#arrays.map(([, array]) => (array.view() as Values).slice());
    this.#put(this.#values);
    return () => {
      this.#put(training);
      // At once: what the average's codes differ in are no flips of the next epoch.
      for (const parameter of this.#net.parameters()) if (parameter instanceof QuantParameter) parameter.quantized();
    };
  }
  #put(values: readonly Values[]): void {
    this.#arrays.forEach(([, array], i) => {
      array.view().set(values[i]);
      array.touch("an average of weights");
    });
  }

  /** What a resumed run needs. */
  state(): AverageState {
    const arrays = this.#values.map((data, i): [string, HostArray] => {
      const [key, { shape }] = this.#arrays[i];
      return [key, { shape, data }];
    });
    return { options: this.#options, updates: this.#updates, arrays: new Map(arrays) };
  }
  /**
   * What puts that state in; until it is called nothing is changed.
   * @throws StateError if it is of another average or another network
   */
  checkState(state: AverageState | undefined): () => void {
    const differs = (what: string, expected: string, got: string): never => {
      throw new StateError({ op: "fit", what, expected, got, hint: "resume with the first part's options" });
    };
    const [own, saved] = [canonicalJson(this.#options), canonicalJson(state?.options ?? null)];
    if (state === undefined || own !== saved) {
      return differs("the checkpoint is of a run with another average of weights", own, saved);
    }
    const values = this.#arrays.flatMap(([key, { shape, dtype }]) => {
      const source = state.arrays.get(key);
      if (source === undefined && state.updates === 0) return [];
      const reals = source === undefined ? "none" : realValues(source);
      if (typeof reals === "string") return differs(`the average of ${key} is missing`, shapeText(shape), reals);
      if (!sameShape(reals.shape, shape)) {
        differs(`the average of ${key} has another shape`, shapeText(shape), shapeText(reals.shape));
      }
      return [dtype === "f64" ? Float64Array.from(reals.read()) : Float32Array.from(reals.read())];
    });
    return () => {
      this.#values = values;
      this.#updates = state.updates;
    };
  }
}
