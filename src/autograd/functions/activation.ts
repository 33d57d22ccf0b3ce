/** @file Activations other than relu, sigmoid and tanh, with the formulas and defaults of PyTorch. */
import { check, checkOptions, oneOf, real } from "../../core/checks.js";
import type { Activation } from "../../ndarray/activation.js";
import { activation, prelu as preluOp, SELU } from "../../ops/activation.js";
import { apply, type Tensor } from "../tensor.js";
import { clip } from "./arithmetic.js";

function activate(x: Tensor, fn: Activation["fn"], alpha = 0, beta = 0): Tensor {
  check(fn, "alpha", alpha, real);
  check(fn, "beta", beta, real);
  return apply(activation, [x], { fn, alpha, beta });
}

/**
 * Leaky rectifier: x for x > 0, else slope·x.
 * @param slope default 0.01
 * @gradient exact: 1 or slope (slope at 0)
 * @throws DTypeError unless x is real; ArgumentError unless the slope is a finite number
 */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  check("leakyRelu", "slope", slope, real);
  return activate(x, "leakyRelu", slope);
}

/**
 * Rectifier with learned slopes: x for x > 0, else slope·x.
 * @param slope one number for all ([] or [1]), or one per channel, the last axis of x
 * @gradient exact: to x 1 or slope (slope at 0); to slope x where x ≤ 0
 * @throws ShapeError if the slopes are neither; DTypeError unless both are f32 or both f64
 * @see He et al. 2015, Delving Deep into Rectifiers
 */
export function prelu(x: Tensor, slope: Tensor): Tensor {
  return apply(preluOp, [x, slope], undefined);
}

/**
 * Exponential linear unit: x for x > 0, else alpha·(e^x − 1).
 * @param alpha default 1
 * @gradient exact: 1 or alpha·e^x (alpha at 0)
 * @throws DTypeError unless x is real; ArgumentError unless alpha is a finite number
 * @see Clevert et al. 2016, Fast and Accurate Deep Network Learning by Exponential Linear Units
 */
export function elu(x: Tensor, alpha = 1): Tensor {
  return activate(x, "elu", alpha, 1);
}

/**
 * Scaled exponential linear unit: scale·x for x > 0, else scale·alpha·(e^x − 1).
 * @param alpha default 1.6732632423543772
 * @param scale default 1.0507009873554805
 * @gradient exact
 * @throws DTypeError unless x is real; ArgumentError unless both are finite numbers
 * @see Klambauer et al. 2017, Self-Normalizing Neural Networks
 */
export function selu(x: Tensor, alpha: number = SELU.alpha, scale: number = SELU.scale): Tensor {
  return activate(x, "elu", alpha, scale);
}

/** Options of {@link gelu}. */
export interface GeluOptions {
  /** `none` (default): by the error function. `tanh`: the approximation by tanh, another function. */
  approximate?: "none" | "tanh";
}

/**
 * Gaussian error linear unit: x·Φ(x) = x·½(1 + erf(x/√2)); with `approximate: "tanh"`
 * x·½(1 + tanh(√(2/π)(x + 0.044715x³))). Its own polynomial gives Φ to a relative error of 1e-10.
 * @gradient exact
 * @throws DTypeError unless x is real; ArgumentError on another approximation
 * @see Hendrycks and Gimpel 2016, Gaussian Error Linear Units
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkOptions("gelu", options, { approximate: oneOf("none", "tanh") });
  return activate(x, options.approximate === "tanh" ? "geluTanh" : "gelu");
}

/**
 * Sigmoid linear unit, also called swish: x/(1 + e^−x).
 * @gradient exact
 * @throws DTypeError unless x is real
 */
export function silu(x: Tensor): Tensor {
  return activate(x, "silu");
}

/**
 * x·min(max(x + 3, 0), 6)/6.
 * @gradient exact, 0 at −3 and 1 at 3
 * @throws DTypeError unless x is real
 * @see Howard et al. 2019, Searching for MobileNetV3
 */
export function hardSwish(x: Tensor): Tensor {
  return activate(x, "hardSwish");
}

/**
 * Piecewise linear sigmoid: min(max(alpha·x + beta, 0), 1).
 * @param alpha default 1/6, as PyTorch has it (ONNX: 0.2)
 * @param beta default ½
 * @gradient exact, 0 where it saturates
 * @throws DTypeError unless x is real; ArgumentError unless both are finite numbers
 */
export function hardSigmoid(x: Tensor, alpha: number = 1 / 6, beta = 0.5): Tensor {
  return activate(x, "hardSigmoid", alpha, beta);
}

/** Rectifier that saturates: min(max(x, 0), 6). @gradient exact: 1 on [0, 6] @throws DTypeError unless x is real */
export function relu6(x: Tensor): Tensor {
  return clip(x, 0, 6);
}
