/** @file Parameter groups as users write them, and the gradients that a step is made with. */
import { check, checkOptions, instanceOf, iterable, type OptionRules, record, refuse } from "../core/checks.js";
import { ArgumentError, DisposedError, DTypeError, ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { Module } from "../nn/module.js";
import { Parameter } from "../nn/parameter.js";
import type { FilledGroup, ParameterGroup, ParametersOrGroups } from "./types.js";

const isParameter = instanceOf(Parameter, "a Parameter");

/** A list of parameters from an iterable of them. @throws ArgumentError on anything else, naming what came */
export function parameterList(op: string, parameters: unknown): Parameter[] {
  if (parameters instanceof Module) {
    refuse(op, "parameters", "an array of parameters", parameters, "a network was given: write net.parameters()");
  }
  const hint =
    typeof parameters === "function" ? "call it: net.parameters()" : "write net.parameters(), or a list of parameters";
  check(op, "parameters", parameters, iterable, hint);
  const list = [...(parameters as Iterable<unknown>)];
  list.forEach((item, i) => {
    check(op, `parameter ${i}`, item, isParameter);
    if (!(item as Parameter).data.alive) {
      const { name } = item as Parameter;
      throw new DisposedError({
        op,
        what: `parameter ${i}${name === "" ? "" : ` (${name})`} was disposed of`,
        expected: "live parameters",
        got: "one that was disposed of",
      });
    }
  });
  return list as Parameter[];
}

/** Options over their defaults; one that is undefined counts as left out. */
export function filled<Defaults extends object, Options extends object>(
  defaults: Defaults,
  options: Options,
): Defaults & Options {
  const set = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...defaults, ...(set as Options) };
}

/**
 * Groups with every option filled in, from parameters or groups.
 *
 * @param rules of the options that a group may set; undefined: any
 * @throws ArgumentError on what is neither, on unknown options, without parameters, or if one appears twice
 */
export function filledGroups<Options extends object>(
  op: string,
  parameters: ParametersOrGroups<Options>,
  defaults: Options,
  rules: OptionRules<Options> | undefined,
): FilledGroup<Options>[] {
  if (parameters instanceof Module) parameterList(op, parameters);
  check(op, "parameters", parameters, iterable, "write net.parameters(), or a list of groups { parameters, … }");
  const list = [...(parameters as Iterable<unknown>)];
  const groups = list.length > 0 && !list.some((item) => item instanceof Parameter) ? list : [{ parameters: list }];
  const complete = groups.map((group, i): FilledGroup<Options> => {
    check(op, `group ${i}`, group, record, "write net.parameters(), or a list of groups { parameters, … }");
    const { parameters: members, ...own } = group as ParameterGroup<Options> & { params?: unknown };
    if (members === undefined) {
      const hint = own.params === undefined ? undefined : "params is called parameters here";
      refuse(op, `group ${i}`, "an object with parameters", group, hint);
    }
    if (rules !== undefined) checkOptions(op, own as unknown as Options, rules);
    return { parameters: parameterList(op, members), options: filled(defaults, own) as Options };
  });
  checkOnce(
    op,
    complete.flatMap((group) => group.parameters),
  );
  return complete;
}

/** Refuses no parameters, and one that would be stepped twice: under one name or, sharing its memory, under two. */
function checkOnce(op: string, all: readonly Parameter[]): void {
  const seen = new Map(all.map((parameter) => [parameter.data.storage, parameter]));
  if (all.length > 0 && seen.size === all.length) return;
  const twice = new Set(all).size !== all.length;
  throw new ArgumentError({
    op,
    what: all.length === 0 ? "no parameters" : twice ? "a parameter appears twice" : "two parameters share one memory",
    expected: "each parameter in one group",
    got: `${all.length} parameters`,
  });
}

/** A parameter with the gradient that it is stepped by. */
export interface Ready {
  readonly parameter: Parameter;
  readonly gradient: NDArray;
}

/**
 * The parameters that a step changes: those that want a gradient and have one.
 *
 * @throws DTypeError or ShapeError if a gradient is not of its parameter's type and size: kernels would read other
 * bytes
 */
export function withGradients(op: string, parameters: readonly Parameter[]): Ready[] {
  const ready: Ready[] = [];
  for (const parameter of parameters) {
    const { gradient } = parameter;
    if (!parameter.requiresGrad || gradient === null || !gradient.alive) continue;
    checkGradient(op, parameter, gradient);
    ready.push({ parameter, gradient });
  }
  return ready;
}

/** Refuses a gradient of another type or size than its parameter's. @throws DTypeError, ShapeError */
export function checkGradient(op: string, { name, data }: Parameter, gradient: NDArray): void {
  if (gradient.dtype === data.dtype && gradient.size === data.size) return;
  const what = `the gradient of ${name || "a parameter"} does not fit`;
  const [expected, got] = [data, gradient].map(({ dtype, shape }) => `${dtype} ${shapeText(shape)}`);
  const hint = "nothing was changed";
  if (gradient.dtype !== data.dtype) throw new DTypeError({ op, what, expected, got, hint });
  throw new ShapeError({ op, what, expected, got, hint });
}
