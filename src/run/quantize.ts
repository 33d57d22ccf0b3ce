/** @file Quantization as a configuration says: structure, calibrated steps, and what training adds. */
import { pow } from "../core/math.js";
import type { BatchLoader } from "../data/loader.js";
import type { Module } from "../nn/module.js";
import { BCGD, BinaryRelax } from "../optim/bcgd.js";
import {
  Adam,
  type AdamOptions,
  IterativeFreezing,
  type OptimizerLike,
  type ParametersOrGroups,
  SGD,
  type SGDOptions,
} from "../optim/index.js";
import {
  alphaRules,
  calibrate,
  comq,
  onGrid,
  type Projection,
  prepare,
  projectionNamed,
  proxies,
  recalibrateBatchNorm,
  type StaircaseOptions,
} from "../quant/index.js";
import { parseBits } from "./bits.js";
import type { QuantConfig, RunConfig } from "./config.js";
import { parametersOf } from "./parameter-groups.js";

/** Batches that steps are calibrated on. */
const CALIBRATION_BATCHES = 8;
/** What COMQ sees: too few inputs, and codes are fitted to them alone. */
const COMQ = { batches: 16, samples: 16384 };

/** Quantizes a float network in place, steps at their start values. @returns net */
export function quantized(net: Module, { bits, quant }: RunConfig): Module {
  if (quant === null) return net;
  const { weights, activations } = parseBits(bits);
  return prepare(net, {
    weights: weights === 32 ? null : weightsRule(weights, quant),
    activations: activations === 32 ? null : staircaseOf(activations, quant),
    granularity: quant.granularity,
    keepFloat: quant.keepFloat,
  });
}

function weightsRule(bits: number, { projection = "exact", method }: QuantConfig): Projection {
  const rule = projectionNamed(projection, bits);
  // What COMQ found is read again as it was.
  return method === "comq" && projection === "exact" ? onGrid(rule) : rule;
}

function staircaseOf(bits: number, { proxy, alphaRule, calibrate: start }: QuantConfig): StaircaseOptions {
  const alpha = start === "authors" ? start : "half-gaussian";
  return { bits, proxy: proxies[proxy], rule: alphaRules[alphaRule], alpha };
}

/**
 * Finds activation steps and batch-norm statistics on the run's own training images.
 *
 * @param loader training images in random order, without augmentation
 * @param keepSteps the steps are trained already: only the statistics are found
 */
export async function calibrated(
  net: Module,
  { quant }: RunConfig,
  loader: BatchLoader,
  keepSteps = false,
): Promise<void> {
  if (quant === null) return;
  const batches = CALIBRATION_BATCHES;
  const { calibrate: method } = quant;
  if (keepSteps || method === "half-gaussian" || method === "authors") {
    await recalibrateBatchNorm(net, loader.epoch(0), { batches });
  } else await calibrate(net, loader.epoch(0), { batches, method });
  if (quant.method === "comq") {
    await comq(net, loader.epoch(0), { ...COMQ, normalized: true });
    await recalibrateBatchNorm(net, loader.epoch(0), { batches });
  }
}

/**
 * BinaryRelax: η grows from 1 to this, twice an epoch, over the first part of the run; the rest trains exactly
 * quantized.
 */
const RELAX = { top: 100, share: 0.8 };

/** The optimizer of a run: the base alone in float, or blended, or relaxing; and perhaps freezing codes. */
export function optimizerFor(net: Module, config: RunConfig, stepsPerEpoch: number): OptimizerLike {
  const optimizer = steppingOptimizer(net, config, stepsPerEpoch);
  const { freeze, freezeFrom = 1 } = config.quant ?? {};
  if (freeze === undefined) return optimizer;
  return new IterativeFreezing(optimizer, { threshold: freeze, fromStep: (freezeFrom - 1) * stepsPerEpoch });
}

function steppingOptimizer(net: Module, config: RunConfig, stepsPerEpoch: number): OptimizerLike {
  const { lr, momentum, nesterov, weightDecay, quant, epochs } = config;
  const base = (parameters: ParametersOrGroups<SGDOptions>): OptimizerLike =>
    config.optimizer === "adam"
      ? new Adam(parameters as ParametersOrGroups<AdamOptions>, { lr, weightDecay })
      : new SGD(parameters, { lr, momentum, nesterov, weightDecay });
  const parameters = parametersOf<SGDOptions>(net, config);
  if (quant === null) return base(parameters);
  const { method, rho, rhoSchedule } = quant;
  if (method !== "relax") return new BCGD(parameters, { base, rho, rhoSchedule });
  const exactFrom = Math.floor(RELAX.share * epochs * stepsPerEpoch);
  const growEvery = Math.ceil(stepsPerEpoch / 2);
  const growth = pow(RELAX.top, 1 / Math.max(1, Math.floor(exactFrom / growEvery)));
  return new BinaryRelax(parameters, { base }, { eta: 1, growth, growEvery, exactFrom });
}
