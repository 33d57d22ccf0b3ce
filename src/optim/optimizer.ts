/**
 * @file The base of all optimizers: parameter groups, constraints, state that can be saved, and the order of one step.
 */
import { atLeast, check, checkOptions, type OptionRules, real, record, refuse } from "../core/checks.js";
import { DISPOSE } from "../core/dispose.js";
import { observers } from "../memory/observer.js";
import { untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { clipInPlace } from "../ndarray/update.js";
import type { Parameter } from "../nn/parameter.js";
import { filledGroups, withGradients } from "./groups.js";
import { type Memory, planOptimizerState } from "./state.js";
import type {
  BaseOptions,
  FilledGroup,
  OptimizerLike,
  OptimizerState,
  ParametersOrGroups,
  StepRates,
} from "./types.js";

/** What an optimizer is, for messages and for the check of a state. */
export interface OptimizerKind<Options> {
  /** Name in messages: minifiers rename classes. */
  readonly name: string;
  /** A rule for every option. */
  readonly rules: OptionRules<Options>;
  /**
   * Names of the slots and counts that it keeps for each parameter: all of them, or none before its first step.
   * Undefined: any.
   */
  readonly memory?: Memory;
}

/** Rules of the options that every optimizer has. */
export const BASE_RULES: OptionRules<BaseOptions> = { lr: atLeast(0), weightDecay: atLeast(0) };

/**
 * Base of optimizers. For every parameter that has a gradient, `step()` clamps the gradient to `constraint.gradClip`
 * (in place), updates with the rate group.lr · lrFactor · constraint.lrScale, clamps the result to `constraint.range`,
 * and marks it changed. Parameters without a gradient are left alone, weight decay included.
 */
export abstract class Optimizer<Options extends BaseOptions> implements OptimizerLike {
  /** Groups in order, options filled in. */
  readonly groups: readonly FilledGroup<Options>[];
  readonly #kind: Partial<OptimizerKind<Options>> & { readonly name: string };
  #lrFactor = 1;
  #arrays = new Map<Parameter, Map<string, NDArray>>();
  #values = new Map<Parameter, Map<string, number>>();

  /**
   * @param parameters parameters, or groups of them with options of their own
   * @param options all options; groups take from them what they leave out
   * @param kind name, rules and memory of a class of optimizers; without it the base options alone are checked
   * @throws ArgumentError without parameters, if one appears twice, or on options that are unknown or out of range
   */
  constructor(parameters: ParametersOrGroups<Options>, options: Options, kind?: OptimizerKind<Options>) {
    if (kind !== undefined) {
      const known = record(kind) === null && typeof kind.name === "string" && record(kind.rules) === null;
      if (!known) refuse("Optimizer", "kind", "{ name, rules }", kind);
    }
    this.#kind = kind ?? { name: this.constructor.name };
    const { name } = this.#kind;
    check(name, "options", options, record);
    if (kind !== undefined)
      checkOptions(name, options, kind.rules, Object.keys(kind.rules) as (keyof Options & string)[]);
    this.groups = filledGroups(name, parameters, options, kind?.rules);
    for (const group of this.groups) this.#check(group.options);
  }

  #check(options: Options): void {
    const { name, rules = BASE_RULES as OptionRules<Options> } = this.#kind;
    for (const [key, rule] of Object.entries(rules)) check(name, key, options[key as keyof Options], rule as never);
    this.checkTogether(options);
  }
  /** Refuses options that are good each by itself but not together. @throws ArgumentError */
  protected checkTogether(_options: Options): void {}

  get lr(): number {
    return this.groups[0].options.lr;
  }
  set lr(value: number) {
    check(this.#kind.name, "lr", value, atLeast(0));
    for (const { options } of this.groups) options.lr = value;
  }
  get lrFactor(): number {
    return this.#lrFactor;
  }
  set lrFactor(value: number) {
    check(this.#kind.name, "lrFactor", value, real, "a schedule gives one for every step");
    this.#lrFactor = value;
  }
  /** All parameters in the order of the groups; their position here is their index in the state. */
  parameters(): Parameter[] {
    return this.groups.flatMap((group) => group.parameters);
  }
  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }

  /**
   * Changes every parameter that has a gradient.
   *
   * @throws DTypeError or ShapeError if a gradient is not of its parameter's type and size; nothing is changed then
   */
  step(): void {
    const { name } = this.#kind;
    const writer = `${name}.step`;
    for (const { options } of this.groups) this.#check(options);
    const ready = this.groups.map((group) => withGradients(name, group.parameters));
    this.groups.forEach(({ options }, i) => {
      for (const { parameter, gradient } of ready[i]) {
        const { gradClip, range, lrScale = 1, weightDecay = true } = parameter.constraint ?? {};
        if (gradClip !== undefined) {
          clipInPlace(gradient, ...gradClip);
          gradient.touch(writer);
        }
        this.update(parameter, gradient, options, {
          lr: options.lr * this.#lrFactor * lrScale,
          weightDecay: weightDecay ? options.weightDecay : 0,
        });
        if (range !== undefined) clipInPlace(parameter.data, ...range);
        parameter.markChanged(writer);
      }
    });
    for (const observer of observers) observer.stepped();
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

  /** What a resumed run needs, outside the heap. */
  stateDict(): OptimizerState {
    const arrays = new Map<string, NDArray>();
    const values: Record<string, number> = { lrFactor: this.#lrFactor };
    this.groups.forEach(({ options }, i) => {
      for (const [key, value] of Object.entries(options)) {
        if (typeof value === "number" || typeof value === "boolean") values[`group.${i}.${key}`] = Number(value);
      }
    });
    this.parameters().forEach((parameter, i) => {
      for (const [name, array] of this.#arrays.get(parameter) ?? []) arrays.set(`${i}.${name}`, array);
      for (const [name, value] of this.#values.get(parameter) ?? []) values[`${i}.${name}`] = value;
    });
    return { arrays, values };
  }

  /**
   * Takes a state back, replacing what was remembered; the next step is the one that would have followed. Its own state
   * may be given.
   *
   * @param state arrays as a network's state may hold them; values of an optimizer of the same kind on as many groups
   * @throws StateError if an array or value belongs to no parameter, group or option here, or has another shape or a
   *   value out of range; nothing is changed then
   */
  loadStateDict(state: OptimizerState): void {
    const plan = planOptimizerState(this.#kind.name, state, {
      parameters: this.parameters(),
      groups: this.groups,
      rules: this.#kind.rules ?? (BASE_RULES as OptionRules<Options>),
      closed: this.#kind.rules !== undefined,
      memory: this.#kind.memory,
      together: (options) => this.checkTogether(options),
    });
    const old = this.#arrays;
    this.#arrays = plan.arrays;
    this.#values = plan.values;
    this.#lrFactor = plan.lrFactor ?? this.#lrFactor;
    this.groups.forEach(({ options }, i) => {
      Object.assign(options, plan.options[i]);
    });
    disposeAll(old);
  }

  /** Frees the state arrays; the parameters stay. */
  dispose(): void {
    disposeAll(this.#arrays);
    this.#arrays.clear();
    this.#values.clear();
  }
  [DISPOSE](): void {
    this.dispose();
  }
}

function disposeAll(arrays: ReadonlyMap<Parameter, ReadonlyMap<string, NDArray>>): void {
  for (const slots of arrays.values()) for (const array of slots.values()) array.dispose();
}

function entry<V>(table: Map<Parameter, Map<string, V>>, parameter: Parameter): Map<string, V> {
  let inner = table.get(parameter);
  if (inner === undefined) {
    inner = new Map();
    table.set(parameter, inner);
  }
  return inner;
}
