/** @file Calibration: steps and batch-norm statistics from a few batches, without training. */

import { noGrad } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { PIXEL_STEP } from "../codes/scales.js";
import {
  above,
  anything,
  check,
  checkOptions,
  flag,
  instanceOf,
  integer,
  numeric,
  type OptionRules,
  type Rule,
} from "../core/checks.js";
import { ArgumentError, DivergenceError } from "../core/errors.js";
import type { Shape } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { BatchNorm } from "../nn/batch-norm.js";
import { Module } from "../nn/module.js";
import type { QuantPolicy } from "./policy.js";
import { prepare } from "./prepare.js";
import { Staircase } from "./staircase.js";
import { type CalibrationMethod, checkSearch, Observations } from "./step-search.js";

/** Inputs of a network: a tensor, which stays the caller's, or arrays as a data loader gives them. */
export type CalibrationBatch = Tensor | { readonly images: Uint8Array | Float32Array; readonly shape: Shape };

/** Where batches come from: lists, generators, data loaders. */
export type CalibrationSource = Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>;

/** Choices of batch statistics. */
export interface StatisticsOptions {
  /** Batches to take from the source. Default 8. */
  readonly batches?: number;
  /** Value of code 1 of u8 images. Default f32(1/255). */
  readonly inputStep?: number;
}

/** Choices of {@link calibrate}. */
export interface CalibrateOptions extends StatisticsOptions {
  /** "mse" (default): least squared error of the very staircase; "max": L·α = largest value; "percentile". */
  readonly method?: CalibrationMethod;
  /** For "percentile": percent of the positive pre-activations that do not saturate. Default 99.9. */
  readonly percentile?: number;
  /** Pre-activations that are kept of each layer, drawn at random (the same on every run). Default 32768. */
  readonly samples?: number;
  /**
   * Afterwards set the running statistics of batch norms to those of the quantized network on these batches. Default
   * true.
   */
  readonly recalibrateBatchNorm?: boolean;
}

/** What {@link calibrate} found for one staircase. */
export interface CalibratedStep {
  /** Path of the staircase. */
  readonly name: string;
  /** The step α before. */
  readonly before: number;
  /** Equal to `before` if no pre-activation was positive. */
  readonly alpha: number;
}

const isSource: Rule = (value) => {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = (value ?? {}) as never;
  const walked = typeof asynchronous === "function" || typeof synchronous === "function";
  return typeof value === "object" && walked ? null : "batches: a list, a generator or a loader's epoch";
};
const isBatch: Rule = (value) => {
  if (value instanceof Tensor) return null;
  const { images, shape } = (value ?? {}) as { images?: unknown; shape?: unknown };
  const kind = kindOf(images);
  const good = (kind === "Uint8Array" || kind === "Float32Array") && Array.isArray(shape);
  return good ? null : "a tensor or { images, shape } of bytes or f32";
};
const aModule = instanceOf(Module, "a module");
/** Rules of {@link StatisticsOptions}. */
export const STATISTICS_RULES: OptionRules<StatisticsOptions> = { batches: integer(1), inputStep: above(0) };

/** The first batches of a source. @throws ArgumentError if there are none */
export async function take(source: CalibrationSource, count: number): Promise<CalibrationBatch[]> {
  check("calibrate", "batches", count, integer(1));
  check("calibrate", "source", source, isSource);
  const taken: CalibrationBatch[] = [];
  for await (const batch of source) {
    check("calibrate", `batch ${taken.length}`, batch, isBatch);
    taken.push(batch);
    if (taken.length === count) break;
  }
  if (taken.length === 0) {
    throw new ArgumentError({ op: "calibrate", what: "no batches", expected: "at least one", got: "an empty source" });
  }
  return taken;
}

/** Runs a batch through the network without recording, and frees everything. */
export function run(net: Module, batch: CalibrationBatch, inputStep: number): void {
  scope(() =>
    noGrad(() => {
      if (batch instanceof Tensor) net.forward(batch);
      else {
        const coded = kindOf(batch.images) === "Uint8Array";
        net.forward(
          new Tensor(NDArray.from(batch.images, batch.shape, coded ? "u8" : "f32", coded ? inputStep : null)),
        );
      }
    }),
  );
}

/** Runs `fn` in evaluation mode, batch norms on batch statistics if wanted; then puts modes and momenta back. */
export function withModes(net: Module, batchStatistics: boolean, fn: (norms: readonly BatchNorm[]) => void): void {
  const modes = net.modules().map((module) => [module, module.training] as const);
  const norms = net.modules().filter((module) => module instanceof BatchNorm);
  const momenta = norms.map((norm) => norm.momentum);
  net.eval();
  if (batchStatistics) for (const norm of norms) norm.training = true;
  try {
    fn(norms);
  } finally {
    for (const [module, training] of modes) module.training = training;
    norms.forEach((norm, i) => {
      norm.momentum = momenta[i];
    });
  }
}

/** Running statistics ← plain means over the batches. */
function estimateStatistics(net: Module, batches: readonly CalibrationBatch[], inputStep: number): void {
  withModes(net, true, (norms) => {
    const before = norms.map(({ runningMean, runningVar }) =>
      [runningMean, runningVar].map((b) => b.data.toTypedArray()),
    );
    try {
      batches.forEach((batch, i) => {
        for (const norm of norms) norm.momentum = 1 / (i + 1);
        run(net, batch, inputStep);
      });
      checkStatistics(net);
    } catch (error) {
      norms.forEach(({ runningMean, runningVar }, i) => {
        runningMean.set(before[i][0]);
        runningVar.set(before[i][1]);
      });
      throw error;
    }
  });
}

/** Refuses statistics that overflowed. @throws DivergenceError naming the first such buffer */
function checkStatistics(net: Module): void {
  for (const [name, module] of net.namedModules()) {
    if (!(module instanceof BatchNorm)) continue;
    for (const [field, { data }] of [
      ["running_mean", module.runningMean],
      ["running_var", module.runningVar],
    ] as const) {
      const bad = data.view().filter((value) => !Number.isFinite(value)).length;
      if (bad === 0) continue;
      throw new DivergenceError({
        op: "recalibrateBatchNorm",
        what: "statistics left the finite numbers",
        expected: "finite numbers",
        got: `${bad} NaN or infinite in ${name === "" ? field : `${name}.${field}`}`,
        hint: "no statistics were changed; far too small a deviation in the normalization of images does that, and weights that are far too large",
      });
    }
  }
}

/**
 * Sets the running statistics of every batch norm to the means over some batches of the network as it is: quantizing
 * weights shifts what the float network had gathered. Take images as training saw them: weights that were trained on
 * crops padded with black expect the statistics of such crops, even for images without borders.
 *
 * @param net modes are put back afterwards
 * @throws ArgumentError without batches; DivergenceError naming a statistic that is not finite: the old ones stay
 */
export async function recalibrateBatchNorm(
  net: Module,
  source: CalibrationSource,
  options: StatisticsOptions = {},
): Promise<void> {
  check("recalibrateBatchNorm", "network", net, aModule);
  checkOptions("recalibrateBatchNorm", options, STATISTICS_RULES);
  const { batches = 8, inputStep = PIXEL_STEP } = options;
  estimateStatistics(net, await take(source, batches), inputStep);
}

/**
 * Finds the step α of every staircase from pre-activations, layer by layer: each layer is fed by the already quantized
 * layers before it.
 *
 * Every forward pass adds what a staircase sees to its observations and sets its α at once, before its codes go on; so
 * the first batch calibrates the layers in order, the others refine. With `recalibrateBatchNorm`, batch norms work on
 * batch statistics meanwhile (as in training), and their running statistics are estimated at the end, with all steps
 * fixed. α is clamped to its constraint's range if that was chosen; the default range widens.
 *
 * @param net quantized by `prepare`; modes are put back afterwards, gradients are not touched
 * @param source batches of inputs; nothing else is used
 * @returns the steps, in the order of the modules
 * @throws ArgumentError without batches or on options out of range; QuantError if a weight is not finite
 * @see BCGD §3
 * @example
 * await calibrate(net, loader.epoch(0), { batches: 4 });
 */
export async function calibrate(
  net: Module,
  source: CalibrationSource,
  options: CalibrateOptions = {},
): Promise<CalibratedStep[]> {
  check("calibrate", "network", net, aModule);
  checkOptions<CalibrateOptions>("calibrate", options, {
    ...STATISTICS_RULES,
    method: anything,
    percentile: numeric,
    samples: integer(1),
    recalibrateBatchNorm: flag,
  });
  const { method = "mse", percentile = 99.9, samples = 32_768, inputStep = PIXEL_STEP } = options;
  checkSearch(method, percentile);
  const batches = await take(source, options.batches ?? 8);
  const statistics = options.recalibrateBatchNorm ?? true;
  const staircases = [...net.namedModules()].flatMap(([name, module]) =>
    module instanceof Staircase ? [{ name, module, before: module.alpha.item() }] : [],
  );
  for (const { module } of staircases) {
    const seen = new Observations(Math.ceil(samples / batches.length));
    // A range of the user's own is kept to; the default one gives way.
    const [lo, hi] = module.chosenRange ?? [0, Number.POSITIVE_INFINITY];
    module.observe((x) => {
      seen.add(x);
      const alpha = seen.step({ method, percentile, top: module.top, rounding: module.rounding });
      if (alpha !== null) module.setAlpha(Math.min(Math.max(alpha, lo), hi));
    });
  }
  try {
    withModes(net, statistics, () => {
      for (const batch of batches) run(net, batch, inputStep);
    });
  } finally {
    for (const { module } of staircases) module.observe(null);
  }
  if (statistics) estimateStatistics(net, batches, inputStep);
  return staircases.map(({ name, module, before }) => ({ name, before, alpha: module.alpha.item() }));
}

/**
 * Post-training quantization: `prepare` and `calibrate`, no training. The baseline that training has to beat.
 *
 * @param net a trained float network; quantized in place
 * @returns net
 * @throws as {@link prepare} and {@link calibrate}
 */
export async function ptq<Net extends Module>(
  net: Net,
  source: CalibrationSource,
  policy: QuantPolicy,
  options: CalibrateOptions = {},
): Promise<Net> {
  prepare(net, policy);
  await calibrate(net, source, options);
  return net;
}
