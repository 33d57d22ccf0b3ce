/** @file Coarse gradients of the b-bit model through the library's own staircase op, and descent with a trained α. */
import { tensor } from "../autograd/functions/creation.js";
import { apply, type Tensor } from "../autograd/tensor.js";
import {
  above,
  anything,
  atLeast,
  callable,
  check,
  checkOptions,
  integer,
  type OptionRules,
  real,
} from "../core/checks.js";
import { ArgumentError, DivergenceError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { kindOf } from "../core/typed-arrays.js";
import { scope } from "../memory/scope.js";
import { threeValued } from "../quant/alpha-rule.js";
import { staircaseOp } from "../quant/ops/staircase.js";
import { checkPair } from "./model.js";
import { type Estimate, RunningMean } from "./monte-carlo.js";
import { QUANTIZED_RULES, type QuantizedOptions, type QuantizedTwoLayer, SHARED_RULES } from "./quantized.js";
import { plus } from "./vector.js";

/** Mean loss and gradients of one batch. */
export interface BatchGradients {
  /** The loss. */
  readonly loss: number;
  /** Gradient in v. */
  readonly v: readonly number[];
  /** Coarse gradient in w. */
  readonly w: readonly number[];
  /** Coarse gradient in α. */
  readonly alpha: number;
}

/**
 * Mean loss ½(y − y*)² of a batch and its gradients: exact in v, coarse in w and α, all by one backward pass of the
 * engine in f64.
 *
 * @param inputs B matrices Z, [B, m, n] row-major
 * @gradient coarse: `proxy` in w, `rule` in α
 * @throws ArgumentError on non-finite numbers; ShapeError if sizes do not fit; QuantError on a bad α
 */
export function quantizedBatch(
  student: QuantizedTwoLayer,
  teacher: QuantizedTwoLayer,
  inputs: Float64Array,
  options: QuantizedOptions,
): BatchGradients {
  const op = "quantizedBatch";
  checkPair(op, student, teacher);
  for (const net of [student, teacher]) check(op, "alpha", net.alpha, real);
  check(op, "inputs", inputs, (value) => (kindOf(value) === "Float64Array" ? null : "a Float64Array"));
  checkOptions<QuantizedOptions>(op, options, SHARED_RULES, ["bits", "proxy"]);
  const { bits, proxy, rule = threeValued } = options;
  const [m, n] = [student.v.length, student.w.length];
  return scope(() => {
    const z = tensor(inputs, { shape: [inputs.length / (m * n) || 1, m, n] });
    const leaf = (values: readonly number[], requiresGrad: boolean): Tensor =>
      tensor(Float64Array.from(values), { requiresGrad });
    const outputs = (net: QuantizedTwoLayer, trained: boolean) => {
      const [v, w, alpha] = [leaf(net.v, trained), leaf(net.w, trained), leaf([net.alpha], trained)];
      const codes = apply(staircaseOp, [z.mul(w).sum(-1), alpha], { bits, proxy, rule, rounding: "ceil" });
      return { y: codes.cast("f64").mul(v).sum(-1), leaves: [v, w, alpha] };
    };
    const { y, leaves } = outputs(student, true);
    const residual = y.sub(outputs(teacher, false).y);
    const loss = residual.mul(residual).mean().mul(0.5);
    loss.backward();
    const [v, w, alpha] = leaves.map((parameter) => {
      if (parameter.grad === null)
        throw new ArgumentError({ op: "quantizedBatch", what: "internal: no gradient came" });
      return Array.from(parameter.grad.toTypedArray());
    });
    return { loss: loss.item(), v, w, alpha: alpha[0] };
  });
}

/** Estimates from one stream of samples; standard errors from the spread of the batches' means. */
export interface QuantizedEstimates {
  /** The loss. */
  readonly loss: Estimate;
  /** Gradient in v. */
  readonly v: Estimate;
  /** Coarse gradient in w. */
  readonly w: Estimate;
  /** Coarse gradient in α. */
  readonly alpha: Estimate;
}

/**
 * Monte Carlo means of loss and gradients of the b-bit model.
 *
 * @param sampling `batches` batches of `batch` samples each, from `seed`
 * @throws as {@link quantizedBatch}; ArgumentError on fewer than two batches
 */
export function quantizedMonteCarlo(
  student: QuantizedTwoLayer,
  teacher: QuantizedTwoLayer,
  options: QuantizedOptions,
  sampling: { batches: number; batch: number; seed: number | string },
): QuantizedEstimates {
  const op = "quantizedMonteCarlo";
  checkPair(op, student, teacher);
  checkOptions<QuantizedOptions>(op, options, SHARED_RULES, ["bits", "proxy"]);
  const rules = { batches: integer(2, 2 ** 40), batch: integer(1, 2 ** 24), seed: anything };
  checkOptions(op, sampling, rules, ["batches", "batch", "seed"]);
  const { batches, batch, seed } = sampling;
  const rng = new Rng(seed);
  const [loss, v, w, alpha] = [1, student.v.length, student.w.length, 1].map((width) => new RunningMean(width));
  const inputs = new Float64Array(batch * student.v.length * student.w.length);
  for (let done = 0; done < batches; done++) {
    rng.fillNormal(inputs, 0, 1);
    const estimate = quantizedBatch(student, teacher, inputs, options);
    loss.add([estimate.loss]);
    v.add(estimate.v);
    w.add(estimate.w);
    alpha.add([estimate.alpha]);
  }
  return { loss: loss.estimate(), v: v.estimate(), w: w.estimate(), alpha: alpha.estimate() };
}

/** Choices of {@link quantizedDescent}. */
export interface QuantizedDescentOptions extends QuantizedOptions {
  /** Learning rate. */
  readonly lr: number;
  /** Rate of α, as a factor of `lr`. Default 0.01, the authors' practice. */
  readonly alphaScale?: number;
  /** Number of steps. */
  readonly steps: number;
  /** Samples in a step. */
  readonly batch: number;
  /** Seed of the samples. */
  readonly seed: number | string;
}

/**
 * Coarse gradient descent in v, w and α on fresh samples; α is kept above 1e-3, as the library's layers do.
 *
 * @param visit sees the network before each step, and once more at the end
 * @returns the last network
 * @throws as {@link quantizedBatch}; DivergenceError if numbers leave the finite range
 */
export function quantizedDescent(
  student: QuantizedTwoLayer,
  teacher: QuantizedTwoLayer,
  options: QuantizedDescentOptions,
  visit: (step: number, at: QuantizedTwoLayer) => void = () => {},
): QuantizedTwoLayer {
  const op = "quantizedDescent";
  checkPair(op, student, teacher);
  const rules: OptionRules<QuantizedDescentOptions> = {
    ...QUANTIZED_RULES,
    lr: above(0),
    alphaScale: atLeast(0),
    steps: integer(0),
    batch: integer(1, 2 ** 24),
    seed: anything,
  };
  checkOptions(op, options, rules, ["bits", "proxy", "lr", "steps", "batch", "seed"]);
  check(op, "visit", visit, callable);
  const { lr, alphaScale = 0.01, steps, batch, seed } = options;
  const rng = new Rng(seed);
  const inputs = new Float64Array(batch * student.v.length * student.w.length);
  let at = student;
  for (let step = 0; step < steps; step++) {
    visit(step, at);
    rng.fillNormal(inputs, 0, 1);
    const { v, w, alpha } = quantizedBatch(at, teacher, inputs, options);
    at = {
      v: plus(at.v, v, -lr),
      w: plus(at.w, w, -lr),
      alpha: Math.max(at.alpha - lr * alphaScale * alpha, 1e-3),
    };
    if (![...at.v, ...at.w, at.alpha].every(Number.isFinite)) {
      throw new DivergenceError({ op: "quantizedDescent", what: "numbers beyond the finite range" });
    }
  }
  visit(steps, at);
  return at;
}
