/** @file The state of an optimizer, compared with the optimizer before any of it is taken. */
import { describe, type OptionRules, type Rule, record } from "../core/checks.js";
import { CoarsegradError, StateError } from "../core/errors.js";
import { sameShape, shapeText } from "../core/shape.js";
import { untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { Parameter } from "../nn/parameter.js";
import { type HostArray, listed, type RealValues, realValues, stateEntries } from "../nn/state.js";
import type { FilledGroup, OptimizerState } from "./types.js";

/** Names of what an optimizer keeps for each parameter. */
export interface Memory {
  readonly arrays: readonly string[];
  /** Numbers of steps and the like: integers ≥ 0. */
  readonly counts: readonly string[];
}

/** The optimizer that a state is for. */
export interface StateTarget<Options> {
  readonly parameters: readonly Parameter[];
  readonly groups: readonly FilledGroup<Options>[];
  readonly rules: OptionRules<Options>;
  /** True if `rules` name all options. */
  readonly closed: boolean;
  readonly memory: Memory | undefined;
  together(options: Options): void;
}

/** A state that fits. The arrays are new, and belong to no scope. */
export interface StatePlan<Options> {
  readonly arrays: Map<Parameter, Map<string, NDArray>>;
  readonly values: Map<Parameter, Map<string, number>>;
  readonly options: Partial<Options>[];
  /** Undefined if the state has none. */
  readonly lrFactor: number | undefined;
}

/** Where the parts of a state go. */
interface Sorted {
  readonly arrays: { readonly index: number; readonly name: string; readonly values: RealValues }[];
  readonly counts: { readonly index: number; readonly name: string; readonly value: number }[];
  readonly options: Map<number, Map<string, number>>;
  lrFactor: number | undefined;
}

/** Refuses a state. */
type Refuse = (what: string, expected: string, got: string) => never;

/**
 * Compares a state with an optimizer, and copies its arrays.
 *
 * @throws StateError naming what does not fit, before anything is changed
 */
export function planOptimizerState<Options extends object>(
  op: string,
  state: OptimizerState,
  target: StateTarget<Options>,
): StatePlan<Options> {
  const refuse: Refuse = (what, expected, got) => {
    throw new StateError({ op, what, expected, got, hint: "nothing was changed" });
  };
  const sorted = sort(partsOf(op, state, refuse), target, refuse);
  checkMemory(sorted, target, refuse);
  const options = target.groups.map((group, i) => optionsOf(i, group.options, sorted, target, refuse));
  return { arrays: copies(sorted, target), values: countsOf(sorted, target), options, lrFactor: sorted.lrFactor };
}

function partsOf(op: string, state: OptimizerState, refuse: Refuse): [Map<string, unknown>, Map<string, unknown>] {
  const expected = "{ arrays, values } as stateDict() gives it";
  if (record(state) !== null) refuse("not the state of an optimizer", expected, describe(state));
  const { arrays, values } = state;
  if (arrays === undefined || arrays === null) refuse("the state has no arrays", expected, describe(arrays));
  if (values === undefined || values === null) refuse("the state has no values", expected, describe(values));
  return [stateEntries(op, "arrays", arrays), stateEntries(op, "values", values)];
}

function sort<Options>(
  [arrays, values]: readonly [Map<string, unknown>, Map<string, unknown>],
  { parameters, groups, rules, closed, memory }: StateTarget<Options>,
  refuse: Refuse,
): Sorted {
  const sorted: Sorted = { arrays: [], counts: [], options: new Map(), lrFactor: undefined };
  const addressed = (key: string, known: readonly string[] | undefined): { index: number; name: string } => {
    const [, digits, name] = /^(0|[1-9]\d*)\.(.+)$/.exec(key) ?? [];
    const index = Number(digits);
    if (parameters[index] === undefined) {
      refuse(`state ${key} belongs to no parameter`, `indices below ${parameters.length}`, key);
    }
    if (known !== undefined && !known.includes(name)) {
      const expected = known.length === 0 ? "none" : known.join(", ");
      refuse(`state ${key} is not of this optimizer`, expected, name);
    }
    return { index, name };
  };
  for (const [key, source] of arrays) {
    const { index, name } = addressed(key, memory?.arrays);
    const { shape } = parameters[index];
    const reals = realValues(source);
    if (typeof reals === "string") refuse(`state ${key} is no array`, `f32 or f64 ${shapeText(shape)}`, reals);
    const real = reals as RealValues;
    if (!sameShape(real.shape, shape)) {
      refuse(`state ${key} has another shape`, shapeText(shape), shapeText(real.shape));
    }
    sorted.arrays.push({ index, name, values: real });
  }
  for (const [key, value] of values) {
    if (typeof value !== "number" || !Number.isFinite(value)) {
      refuse(`state ${key} is no number`, "a finite number", describe(value));
    }
    const number = value as number;
    const [, digits, option] = /^group\.(0|[1-9]\d*)\.(.+)$/.exec(key) ?? [];
    if (key === "lrFactor") sorted.lrFactor = number;
    else if (option === undefined) {
      const { index, name } = addressed(key, memory?.counts);
      if (!Number.isSafeInteger(number) || number < 0) refuse(`state ${key}`, "an integer ≥ 0", describe(number));
      sorted.counts.push({ index, name, value: number });
    } else {
      const own = groups[Number(digits)];
      if (own === undefined) {
        refuse("the state has other groups", `${groups.length} of them`, `group ${digits}`);
      }
      const known = Object.keys(closed ? rules : (own.options as object));
      if (!known.includes(option)) refuse(`state ${key} is no option here`, known.join(", "), option);
      const table = sorted.options.get(Number(digits)) ?? new Map<string, number>();
      sorted.options.set(Number(digits), table.set(option, number));
    }
  }
  return sorted;
}

/** A parameter has everything that the optimizer keeps, or nothing: half of it would be made up at the next step. */
function checkMemory<Options>({ arrays, counts }: Sorted, { memory }: StateTarget<Options>, refuse: Refuse): void {
  if (memory === undefined) return;
  const kept = new Map<number, Set<string>>();
  for (const { index, name } of [...arrays, ...counts]) kept.set(index, (kept.get(index) ?? new Set()).add(name));
  const all = [...memory.arrays, ...memory.counts];
  for (const [index, names] of kept) {
    const missing = all.filter((name) => !names.has(name));
    if (missing.length > 0) {
      refuse(`the state of parameter ${index} is not whole`, all.join(", "), listed("missing", missing));
    }
  }
}

/**
 * The options of a group that a state sets. States without any leave them as they are; else all numbers must be there.
 */
function optionsOf<Options extends object>(
  index: number,
  options: Options,
  { options: tables }: Sorted,
  { rules, groups, together }: StateTarget<Options>,
  refuse: Refuse,
): Partial<Options> {
  if (tables.size === 0) return {};
  const table = tables.get(index);
  if (table === undefined) refuse("the state has other groups", `${groups.length} of them`, `none for group ${index}`);
  const set: Record<string, unknown> = {};
  for (const [name, before] of Object.entries(options)) {
    const value = table?.get(name);
    if (value === undefined) {
      // States of before flags were saved lack them.
      if (typeof before === "number") refuse(`the state lacks group.${index}.${name}`, "a number", "none");
      continue;
    }
    set[name] = typeof before === "boolean" ? value !== 0 : value;
    const expected = (rules as Record<string, ((value: unknown) => string | null) | undefined>)[name]?.(set[name]);
    if (typeof expected === "string") refuse(`state group.${index}.${name}`, expected, describe(value));
  }
  try {
    together({ ...options, ...set });
  } catch (error) {
    if (!(error instanceof CoarsegradError)) throw error;
    refuse(
      `state group.${index}: ${error.message}`,
      error.expected ?? "options that go together",
      error.got ?? "others",
    );
  }
  return set as Partial<Options>;
}

function countsOf<Options>(
  { counts }: Sorted,
  { parameters }: StateTarget<Options>,
): Map<Parameter, Map<string, number>> {
  const values = new Map<Parameter, Map<string, number>>();
  for (const { index, name, value } of counts) {
    const table = values.get(parameters[index]) ?? new Map<string, number>();
    values.set(parameters[index], table.set(name, value));
  }
  return values;
}

/** New arrays: the sources may be the optimizer's own. If one cannot be had, all are let go. */
function copies<Options>(
  { arrays }: Sorted,
  { parameters }: StateTarget<Options>,
): Map<Parameter, Map<string, NDArray>> {
  const copied = new Map<Parameter, Map<string, NDArray>>();
  try {
    for (const { index, name, values } of arrays) {
      const parameter = parameters[index];
      const array = NDArray.empty(parameter.shape, parameter.dtype);
      untrack(array);
      const table = copied.get(parameter) ?? new Map<string, NDArray>();
      copied.set(parameter, table.set(name, array));
      array.view().set(values.read());
    }
  } catch (error) {
    for (const table of copied.values()) for (const array of table.values()) array.dispose();
    throw error;
  }
  return copied;
}

/**
 * A state without the values that a wrapper of an optimizer keeps for itself.
 *
 * @param rules of the wrapper's values, by key
 * @returns those values that are there, and the state for the optimizer inside
 * @throws StateError on a value that its rule refuses, or on what is no state
 */
export function takeValues<Name extends string>(
  op: string,
  state: OptimizerState,
  rules: Readonly<Record<Name, Rule>>,
): { own: Partial<Record<Name, number>>; rest: OptimizerState } {
  const refuse: Refuse = (what, expected, got) => {
    throw new StateError({ op, what, expected, got, hint: "nothing was changed" });
  };
  const [, values] = partsOf(op, state, refuse);
  const own: Partial<Record<Name, number>> = {};
  for (const [name, rule] of Object.entries(rules) as [Name, Rule][]) {
    if (!values.has(name)) continue;
    const expected = rule(values.get(name));
    if (expected !== null) refuse(`state ${name}`, expected, describe(values.get(name)));
    own[name] = values.get(name) as number;
    values.delete(name);
  }
  return { own, rest: { arrays: state.arrays, values: Object.fromEntries(values) as Record<string, number> } };
}

/**
 * A state without the arrays that a wrapper of an optimizer keeps for itself, each of a parameter's shape.
 *
 * @param names of the wrapper's arrays; a parameter has all of them or none
 * @returns those arrays by parameter index and name, as new f32 numbers, and the state for the optimizer inside
 * @throws StateError on an array of another shape, or of a parameter that the wrapper does not keep any for
 */
export function takeArrays<Name extends string>(
  op: string,
  state: OptimizerState,
  names: readonly Name[],
  parameters: readonly (Parameter | null)[],
): { own: Map<number, Record<Name, Float32Array>>; rest: OptimizerState } {
  const refuse: Refuse = (what, expected, got) => {
    throw new StateError({ op, what, expected, got, hint: "nothing was changed" });
  };
  const [arrays] = partsOf(op, state, refuse);
  const own = new Map<number, Record<Name, Float32Array>>();
  for (const key of [...arrays.keys()]) {
    const [, digits, name] = /^(0|[1-9]\d*)\.(.+)$/.exec(key) ?? [];
    if (!names.includes(name as Name)) continue;
    const parameter = parameters[Number(digits)] ?? null;
    if (parameter === null) {
      refuse(`state ${key} belongs to no parameter`, "an index of a quantized parameter", digits);
      continue;
    }
    const reals = realValues(arrays.get(key));
    if (typeof reals === "string") refuse(`state ${key} is no array`, `f32 ${shapeText(parameter.shape)}`, reals);
    const { shape, read } = reals as RealValues;
    if (!sameShape(shape, parameter.shape)) {
      refuse(`state ${key} has another shape`, shapeText(parameter.shape), shapeText(shape));
    }
    const table = own.get(Number(digits)) ?? ({} as Record<Name, Float32Array>);
    table[name as Name] = Float32Array.from(read());
    own.set(Number(digits), table);
    arrays.delete(key);
  }
  for (const [index, table] of own) {
    const missing = names.filter((name) => table[name] === undefined);
    if (missing.length > 0) {
      refuse(`the state of parameter ${index} is not whole`, names.join(", "), listed("missing", missing));
    }
  }
  return { own, rest: { arrays: arrays as Map<string, HostArray>, values: state.values } };
}
