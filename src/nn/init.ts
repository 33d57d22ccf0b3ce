/** @file Initial values of weights: Kaiming, Xavier, and PyTorch's defaults. */
import { defaultRng } from "../autograd/random.js";
import {
  atLeast,
  check,
  checkOptions,
  instanceOf,
  numeric,
  type OptionRules,
  oneOf,
  type Rule,
  real,
} from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { checkShape, type Shape, shapeText } from "../core/shape.js";
import { Parameter } from "./parameter.js";

/** Where random values come from: a generator of one's own, or the one that `manualSeed` sets. */
export interface RandomSource {
  /** Where the first weights come from; default the generator that `manualSeed` seeds. */
  rng?: Rng;
}

/** What follows the layer; sets the gain. */
export type Nonlinearity = "linear" | "relu" | "leaky_relu" | "tanh" | "sigmoid";

/** Options of Kaiming's rules. */
export interface KaimingOptions extends RandomSource {
  /** Keep the variance of the forward pass (`in`, default) or of gradients (`out`). */
  fan?: "in" | "out";
  /** Default "leaky_relu". */
  nonlinearity?: Nonlinearity;
  /** Negative slope of leaky_relu. Default 0. */
  a?: number;
}

const aParameter = instanceOf(Parameter, "a Parameter");
const RANDOM_RULES: OptionRules<RandomSource> = { rng: instanceOf(Rng, "an Rng") };
const isNonlinearity: Rule = oneOf("linear", "relu", "leaky_relu", "tanh", "sigmoid");
const KAIMING_RULES: OptionRules<KaimingOptions> = {
  ...RANDOM_RULES,
  fan: oneOf("in", "out"),
  nonlinearity: isNonlinearity,
  a: real,
};

/** Asks for a parameter whose values are there, and of its options. */
function checkTarget<Options extends object>(
  op: string,
  parameter: Parameter,
  options: Options | undefined,
  rules: OptionRules<Options>,
): void {
  check(op, "parameter", parameter, aParameter);
  parameter.data.expectLive();
  checkOptions(op, options, rules);
}

function drawUniform(parameter: Parameter, lo: number, hi: number, { rng }: RandomSource): Parameter {
  (rng ?? defaultRng()).fillUniform(parameter.data.view() as Float32Array, lo, hi);
  parameter.markChanged("init");
  return parameter;
}

function drawNormal(parameter: Parameter, mean: number, std: number, { rng }: RandomSource): Parameter {
  (rng ?? defaultRng()).fillNormal(parameter.data.view() as Float32Array, mean, std);
  parameter.markChanged("init");
  return parameter;
}

/**
 * Inputs and outputs that meet in one unit: (I, O) of [O,I], (I·Kh·Kw, O·Kh·Kw) of [O,I,Kh,Kw].
 *
 * @throws ArgumentError for fewer than two axes
 */
export function fans(shape: Shape): { in: number; out: number } {
  checkShape("init", shape);
  if (shape.length < 2) {
    throw new ArgumentError({ op: "init", what: "no fan", expected: "[O,I,…]", got: shapeText(shape) });
  }
  const taps = shape.slice(2).reduce((product, extent) => product * extent, 1);
  return { in: shape[1] * taps, out: shape[0] * taps };
}

/**
 * Factor by which weights make up for the nonlinearity: √(2/(1+a²)) for leaky_relu, √2 for relu, 5/3 for tanh, else 1.
 * @throws ArgumentError
 */
export function gain(nonlinearity: Nonlinearity, a = 0): number {
  check("init.gain", "nonlinearity", nonlinearity, isNonlinearity);
  check("init.gain", "a", a, real);
  switch (nonlinearity) {
    case "relu":
      return Math.SQRT2;
    case "leaky_relu":
      return Math.sqrt(2 / (1 + a * a));
    case "tanh":
      return 5 / 3;
    case "linear":
    case "sigmoid":
      return 1;
  }
}

/** Fills with U[lo, hi). @returns the parameter */
export function uniform(parameter: Parameter, lo: number, hi: number, options: RandomSource = {}): Parameter {
  checkTarget("init.uniform", parameter, options, RANDOM_RULES);
  return drawUniform(parameter, lo, hi, options);
}

/** Fills with N(mean, std²). @returns the parameter */
export function normal(parameter: Parameter, mean: number, std: number, options: RandomSource = {}): Parameter {
  checkTarget("init.normal", parameter, options, RANDOM_RULES);
  check("init.normal", "std", std, atLeast(0));
  return drawNormal(parameter, mean, std, options);
}

/** Fills with one value. @returns the parameter */
export function constant(parameter: Parameter, value: number): Parameter {
  checkTarget("init.constant", parameter, undefined, {});
  check("init.constant", "value", value, numeric);
  parameter.data.view().fill(value);
  parameter.markChanged("init");
  return parameter;
}

function kaimingStd(parameter: Parameter, { fan = "in", nonlinearity = "leaky_relu", a = 0 }: KaimingOptions): number {
  return gain(nonlinearity, a) / Math.sqrt(fans(parameter.shape)[fan]);
}

/**
 * Uniform on ±√3·gain/√fan (He et al. 2015), as PyTorch's `kaiming_uniform_`.
 *
 * @returns the parameter
 */
export function kaimingUniform(parameter: Parameter, options: KaimingOptions = {}): Parameter {
  checkTarget("init.kaimingUniform", parameter, options, KAIMING_RULES);
  const bound = Math.sqrt(3) * kaimingStd(parameter, options);
  return drawUniform(parameter, -bound, bound, options);
}

/** Normal with standard deviation gain/√fan (He et al. 2015). @returns the parameter */
export function kaimingNormal(parameter: Parameter, options: KaimingOptions = {}): Parameter {
  checkTarget("init.kaimingNormal", parameter, options, KAIMING_RULES);
  return drawNormal(parameter, 0, kaimingStd(parameter, options), options);
}

/** Options of Glorot's rules. */
export interface XavierOptions extends RandomSource {
  /** Default 1. */
  gain?: number;
}

const XAVIER_RULES: OptionRules<XavierOptions> = { ...RANDOM_RULES, gain: real };

function xavierStd(parameter: Parameter, options: XavierOptions): number {
  const { in: fanIn, out: fanOut } = fans(parameter.shape);
  return (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut));
}

/** Uniform on ±gain·√(6/(fanIn + fanOut)) (Glorot and Bengio 2010). @returns the parameter */
export function xavierUniform(parameter: Parameter, options: XavierOptions = {}): Parameter {
  checkTarget("init.xavierUniform", parameter, options, XAVIER_RULES);
  const bound = Math.sqrt(3) * xavierStd(parameter, options);
  return drawUniform(parameter, -bound, bound, options);
}

/** Normal with standard deviation gain·√(2/(fanIn + fanOut)) (Glorot and Bengio 2010). @returns the parameter */
export function xavierNormal(parameter: Parameter, options: XavierOptions = {}): Parameter {
  checkTarget("init.xavierNormal", parameter, options, XAVIER_RULES);
  return drawNormal(parameter, 0, xavierStd(parameter, options), options);
}

/**
 * PyTorch's defaults for linear and convolution layers: both weight and bias uniform on ±1/√fanIn (the weight's rule is
 * `kaiming_uniform_` with a = √5).
 *
 * @param weight [O,I] or [O,I,Kh,Kw]
 * @param bias [O] or null
 */
export function layerDefault(weight: Parameter, bias: Parameter | null, options: RandomSource = {}): void {
  const op = "init.layerDefault";
  checkTarget(op, weight, options, RANDOM_RULES);
  if (bias !== null) checkTarget(op, bias, undefined, {});
  const bound = Math.sqrt(3) * kaimingStd(weight, { a: Math.sqrt(5) });
  drawUniform(weight, -bound, bound, options);
  if (bias === null) return;
  const own = 1 / Math.sqrt(fans(weight.shape).in);
  drawUniform(bias, -own, own, options);
}
