/** @file Initial values of weights: Kaiming, Xavier, and PyTorch's defaults. */
import { defaultRng } from "../autograd/random.js";
import { ArgumentError } from "../core/errors.js";
import type { Rng } from "../core/rng.js";
import { type Shape, shapeText } from "../core/shape.js";
import type { Parameter } from "./parameter.js";

/** Where random values come from: a generator of one's own, or the one that `manualSeed` sets. */
export interface RandomSource {
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

/**
 * Inputs and outputs that meet in one unit: (I, O) of [O,I], (I·Kh·Kw, O·Kh·Kw) of [O,I,Kh,Kw].
 *
 * @throws ArgumentError for fewer than two axes
 */
export function fans(shape: Shape): { in: number; out: number } {
  if (shape.length < 2) {
    throw new ArgumentError({ op: "init", what: "no fan", expected: "[O,I,…]", got: shapeText(shape) });
  }
  const taps = shape.slice(2).reduce((product, extent) => product * extent, 1);
  return { in: shape[1] * taps, out: shape[0] * taps };
}

/** Factor by which weights make up for the nonlinearity: √(2/(1+a²)) for leaky_relu, √2 for relu, 5/3 for tanh, else 1. */
export function gain(nonlinearity: Nonlinearity, a = 0): number {
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
  (options.rng ?? defaultRng()).fillUniform(parameter.data.view() as Float32Array, lo, hi);
  parameter.markChanged("init");
  return parameter;
}

/** Fills with N(mean, std²). @returns the parameter */
export function normal(parameter: Parameter, mean: number, std: number, options: RandomSource = {}): Parameter {
  (options.rng ?? defaultRng()).fillNormal(parameter.data.view() as Float32Array, mean, std);
  parameter.markChanged("init");
  return parameter;
}

/** Fills with one value. @returns the parameter */
export function constant(parameter: Parameter, value: number): Parameter {
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
  const bound = Math.sqrt(3) * kaimingStd(parameter, options);
  return uniform(parameter, -bound, bound, options);
}

/** Normal with standard deviation gain/√fan (He et al. 2015). @returns the parameter */
export function kaimingNormal(parameter: Parameter, options: KaimingOptions = {}): Parameter {
  return normal(parameter, 0, kaimingStd(parameter, options), options);
}

/** Options of Glorot's rules. */
export interface XavierOptions extends RandomSource {
  /** Default 1. */
  gain?: number;
}

function xavierStd(parameter: Parameter, options: XavierOptions): number {
  const { in: fanIn, out: fanOut } = fans(parameter.shape);
  return (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut));
}

/** Uniform on ±gain·√(6/(fanIn + fanOut)) (Glorot and Bengio 2010). @returns the parameter */
export function xavierUniform(parameter: Parameter, options: XavierOptions = {}): Parameter {
  const bound = Math.sqrt(3) * xavierStd(parameter, options);
  return uniform(parameter, -bound, bound, options);
}

/** Normal with standard deviation gain·√(2/(fanIn + fanOut)) (Glorot and Bengio 2010). @returns the parameter */
export function xavierNormal(parameter: Parameter, options: XavierOptions = {}): Parameter {
  return normal(parameter, 0, xavierStd(parameter, options), options);
}

/**
 * PyTorch's defaults for linear and convolution layers: both weight and bias uniform on ±1/√fanIn (the weight's rule is
 * `kaiming_uniform_` with a = √5).
 *
 * @param weight [O,I] or [O,I,Kh,Kw]
 * @param bias [O] or null
 */
export function layerDefault(weight: Parameter, bias: Parameter | null, options: RandomSource = {}): void {
  kaimingUniform(weight, { a: Math.sqrt(5), ...options });
  if (bias === null) return;
  const bound = 1 / Math.sqrt(fans(weight.shape).in);
  uniform(bias, -bound, bound, options);
}
