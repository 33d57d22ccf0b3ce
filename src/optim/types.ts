/** @file The words of optimizers: their options, groups, state, and what training asks of them. */
import type { NDArray } from "../ndarray/ndarray.js";
import type { Parameter } from "../nn/parameter.js";
import type { HostArray } from "../nn/state.js";

/**
 * Everything that an optimizer remembers between steps. Keys are `<parameter's index>.<slot>` and
 * `group.<index>.<option>`.
 */
export interface OptimizerState {
  /** Momentum buffers and moments. The optimizer's own arrays when it gave them; copied when it takes them. */
  readonly arrays: ReadonlyMap<string, NDArray | HostArray>;
  /** Step counts, rates and the like, exact in JSON; true and false are 1 and 0. */
  readonly values: Readonly<Record<string, number>>;
}

/** What training asks of an optimizer: {@link Optimizer}, or something that wraps one. */
export interface OptimizerLike {
  /** The rate of the first group, before the schedule's factor. Writing sets all groups. */
  lr: number;
  /** Multiplies every group's rate; schedules write it. */
  lrFactor: number;
  /** Parameters that are stepped. */
  parameters(): Parameter[];
  /** Takes the gradients away. */
  zeroGrad(): void;
  /** One step along the gradients. */
  step(): void;
  /** What a resumed run needs. */
  stateDict(): OptimizerState;
  /** Goes on from such a state. */
  loadStateDict(state: OptimizerState): void;
  /** Frees what it holds. */
  dispose(): void;
}

/** Parameters with options of their own; what is left out comes from the optimizer's options. */
export type ParameterGroup<Options> = { readonly parameters: Iterable<Parameter> } & Partial<Options>;

/** What an optimizer is built on. */
export type ParametersOrGroups<Options> = Iterable<Parameter> | readonly ParameterGroup<Options>[];

/** Options that every optimizer has. */
export interface BaseOptions {
  /** Learning rate, ≥ 0. */
  lr: number;
  /** Coefficient of the L2 term, ≥ 0. */
  weightDecay: number;
}

/** A group with every option filled in; `options` may be changed between steps. */
export interface FilledGroup<Options> {
  /** Parameters that are stepped. */
  readonly parameters: readonly Parameter[];
  /** Their options, with every default. */
  readonly options: Options;
}

/** The rate and decay that apply to one parameter in one step, constraints included. */
export interface StepRates {
  /** Learning rate. */
  readonly lr: number;
  /** Weight decay. */
  readonly weightDecay: number;
}
