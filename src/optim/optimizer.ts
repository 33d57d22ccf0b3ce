/** @file The base of all optimizers: parameter groups, constraints, state that can be saved, and the order of one step. */
import { ArgumentError, StateError } from "../core/errors.js";
import { sameShape, shapeText } from "../core/shape.js";
import { kernelsFor } from "../kernels/engine.js";
import { untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Parameter } from "../nn/parameter.js";
import { type HostArray, valuesOf } from "../nn/state.js";

/** Everything that an optimizer remembers between steps. Keys are `<parameter's index>.<slot>` and `group.<index>.<option>`. */
export interface OptimizerState {
  /** Momentum buffers and moments. The optimizer's own arrays when it gave them; copied when it takes them. */
  readonly arrays: ReadonlyMap<string, NDArray | HostArray>;
  /** Step counts, rates and the like, exact in JSON. */
  readonly values: Readonly<Record<string, number>>;
}

/** What training asks of an optimizer: {@link Optimizer}, or something that wraps one. */
export interface OptimizerLike {
  /** The rate of the first group, before the schedule's factor. Writing sets all groups. */
  lr: number;
  /** Multiplies every group's rate; schedules write it. */
  lrFactor: number;
  parameters(): Parameter[];
  zeroGrad(): void;
  step(): void;
  stateDict(): OptimizerState;
  loadStateDict(state: OptimizerState): void;
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
  readonly parameters: readonly Parameter[];
  readonly options: Options;
}

/** The rate and decay that apply to one parameter in one step, constraints included. */
export interface StepRates {
  readonly lr: number;
  readonly weightDecay: number;
}

/**
 * Base of optimizers. For every parameter that has a gradient, `step()` clamps the gradient to `constraint.gradClip` (in place),
 * updates with the rate group.lr · lrFactor · constraint.lrScale, clamps the result to `constraint.range`, and marks it changed.
 * Parameters without a gradient are left alone, weight decay included.
 */
export abstract class Optimizer<Options extends BaseOptions> implements OptimizerLike {
  /** Groups in order, options filled in. */
  readonly groups: readonly FilledGroup<Options>[];
  lrFactor = 1;
  readonly #arrays = new Map<Parameter, Map<string, NDArray>>();
  readonly #values = new Map<Parameter, Map<string, number>>();

  /** @throws ArgumentError without parameters, or if one appears twice */
  constructor(parameters: ParametersOrGroups<Options>, defaults: Options) {
    const list = [...(parameters as Iterable<Parameter | ParameterGroup<Options>>)];
    const groups: ParameterGroup<Options>[] = list.every((item) => item instanceof Parameter)
      ? [{ parameters: list } as unknown as ParameterGroup<Options>]
      : (list as ParameterGroup<Options>[]);
    this.groups = groups.map(({ parameters: members, ...own }) => {
      const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
      return { parameters: [...members], options: { ...defaults, ...given } };
    });
    const all = this.parameters();
    if (all.length === 0 || new Set(all).size !== all.length) {
      throw new ArgumentError({
        op: this.constructor.name,
        what: all.length === 0 ? "no parameters" : "a parameter appears twice",
        expected: "each parameter in one group",
        got: `${all.length} parameters`,
      });
    }
    for (const { options } of this.groups) {
      checkOption(this.constructor.name, "lr", options.lr, 0);
      checkOption(this.constructor.name, "weightDecay", options.weightDecay, 0);
    }
  }

  get lr(): number {
    return this.groups[0].options.lr;
  }
  set lr(value: number) {
    checkOption(this.constructor.name, "lr", value, 0);
    for (const { options } of this.groups) options.lr = value;
  }
  /** All parameters in the order of the groups; their position here is their index in the state. */
  parameters(): Parameter[] {
    return this.groups.flatMap((group) => group.parameters);
  }
  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }

  /** Changes every parameter that has a gradient. */
  step(): void {
    for (const group of this.groups) {
      for (const parameter of group.parameters) {
        const gradient = parameter.gradient;
        if (!parameter.requiresGrad || gradient === null || !gradient.alive) continue;
        const kernels = kernelsFor(parameter.dtype);
        const { gradClip, range, lrScale = 1, weightDecay = true } = parameter.constraint ?? {};
        if (gradClip !== undefined) kernels.f32_clip(gradient.ptr, gradient.ptr, gradient.size, ...gradClip);
        this.update(parameter, gradient, group.options, {
          lr: group.options.lr * this.lrFactor * lrScale,
          weightDecay: weightDecay ? group.options.weightDecay : 0,
        });
        const data = parameter.data;
        if (range !== undefined) kernels.f32_clip(data.ptr, data.ptr, data.size, ...range);
        parameter.markChanged(`${this.constructor.name}.step`);
      }
    }
  }

  /** Updates one parameter's values in place from its gradient. */
  protected abstract update(parameter: Parameter, gradient: NDArray, options: Options, rates: StepRates): void;

  /** A state array of the parameter's shape, zeros when it is first asked for. `fresh` tells that first time. */
  protected slot(parameter: Parameter, name: string): { array: NDArray; fresh: boolean } {
    const slots = entry(this.#arrays, parameter);
    const known = slots.get(name);
    if (known !== undefined) return { array: known, fresh: false };
    const array = NDArray.zeros(parameter.shape, parameter.dtype);
    untrack(array);
    slots.set(name, array);
    return { array, fresh: true };
  }
  /** Counts up a number that is kept per parameter, from 0. @returns the new count */
  protected count(parameter: Parameter, name: string): number {
    const values = entry(this.#values, parameter);
    const next = (values.get(name) ?? 0) + 1;
    values.set(name, next);
    return next;
  }

  stateDict(): OptimizerState {
    const arrays = new Map<string, NDArray>();
    const values: Record<string, number> = { lrFactor: this.lrFactor };
    this.groups.forEach(({ options }, i) => {
      for (const [key, value] of Object.entries(options)) {
        if (typeof value === "number") values[`group.${i}.${key}`] = value;
      }
    });
    this.parameters().forEach((parameter, i) => {
      for (const [name, array] of this.#arrays.get(parameter) ?? []) arrays.set(`${i}.${name}`, array);
      for (const [name, value] of this.#values.get(parameter) ?? []) values[`${i}.${name}`] = value;
    });
    return { arrays, values };
  }

  /**
   * Takes a state back, replacing what was remembered; the next step is the one that would have followed.
   *
   * @throws StateError if an array belongs to no parameter or has another shape; nothing is changed then
   */
  loadStateDict(state: OptimizerState): void {
    const parameters = this.parameters();
    const loaded: { parameter: Parameter; name: string; source: NDArray | HostArray }[] = [];
    for (const [key, source] of state.arrays) {
      const { parameter, name } = addressed(this.constructor.name, parameters, key);
      if (!sameShape(source.shape, parameter.shape)) {
        throw new StateError({
          op: this.constructor.name,
          what: `state ${key} has another shape`,
          expected: shapeText(parameter.shape),
          got: shapeText(source.shape),
          hint: "nothing was changed",
        });
      }
      loaded.push({ parameter, name, source });
    }
    const counts = Object.entries(state.values).filter(([key]) => /^\d+\./.test(key));
    for (const [key] of counts) addressed(this.constructor.name, parameters, key);
    this.#clear();
    for (const { parameter, name, source } of loaded) {
      this.slot(parameter, name).array.view().set(valuesOf(source));
    }
    for (const [key, value] of counts) {
      const { parameter, name } = addressed(this.constructor.name, parameters, key);
      entry(this.#values, parameter).set(name, value);
    }
    this.lrFactor = state.values.lrFactor ?? this.lrFactor;
    this.groups.forEach(({ options }, i) => {
      const known = options as unknown as Record<string, unknown>;
      for (const key of Object.keys(known)) {
        const value = state.values[`group.${i}.${key}`];
        if (value !== undefined) known[key] = value;
      }
    });
  }

  #clear(): void {
    for (const slots of this.#arrays.values()) for (const array of slots.values()) array.dispose();
    this.#arrays.clear();
    this.#values.clear();
  }
  /** Frees the state arrays; the parameters stay. */
  dispose(): void {
    this.#clear();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function entry<V>(table: Map<Parameter, Map<string, V>>, parameter: Parameter): Map<string, V> {
  let inner = table.get(parameter);
  if (inner === undefined) {
    inner = new Map();
    table.set(parameter, inner);
  }
  return inner;
}

function addressed(op: string, parameters: Parameter[], key: string): { parameter: Parameter; name: string } {
  const [, index, name] = /^(\d+)\.(.+)$/.exec(key) ?? [];
  const parameter = parameters[Number(index)];
  if (parameter === undefined) {
    throw new StateError({
      op,
      what: `state ${key} belongs to no parameter`,
      expected: `indices below ${parameters.length}`,
      got: key,
      hint: "nothing was changed",
    });
  }
  return { parameter, name };
}

/** Refuses an option outside [lo, hi) or not finite. @throws ArgumentError */
export function checkOption(op: string, name: string, value: number, lo: number, hi = Number.POSITIVE_INFINITY): void {
  if (Number.isFinite(value) && value >= lo && value < hi) return;
  throw new ArgumentError({
    op,
    what: `bad ${name}`,
    expected: hi === Number.POSITIVE_INFINITY ? `a finite number ≥ ${lo}` : `a number in [${lo}, ${hi})`,
    got: `${value}`,
  });
}
