/** @file Quantization as a configuration says: structure, calibrated steps, and what training adds. */
import { pow } from "../core/math.js";
import type { ImageDataset } from "../data/dataset.js";
import { DataLoader } from "../data/loader.js";
import type { Module } from "../nn/module.js";
import type { Parameter } from "../nn/parameter.js";
import { BCGD, BinaryRelax } from "../optim/bcgd.js";
import { Adam, type OptimizerLike, type ParametersOrGroups, SGD, type SGDOptions } from "../optim/index.js";
import { alphaRules, calibrate, prepare, proxies } from "../quant/index.js";
import { parseBits } from "./bits.js";
import type { RunConfig } from "./run-config.js";

/** Batches and images in a batch that steps are calibrated on. */
const CALIBRATION = { batches: 8, batch: 128 };

/** Quantizes a float network in place, steps at their start values. @returns net */
export function quantized(net: Module, { bits, quant }: RunConfig): Module {
  if (quant === null) return net;
  const { weights, activations } = parseBits(bits);
  return prepare(net, {
    weights: weights === 32 ? null : weights,
    activations:
      activations === 32 ? null : { bits: activations, proxy: proxies[quant.proxy], rule: alphaRules[quant.alphaRule] },
    granularity: quant.granularity,
    keepFloat: quant.keepFloat,
  });
}

/** Finds activation steps and batch-norm statistics on the run's own training images. */
export async function calibrated(net: Module, { quant, seed }: RunConfig, data: ImageDataset): Promise<void> {
  if (quant === null) return;
  const { batches, batch } = CALIBRATION;
  const loader = new DataLoader(data, { batch, shuffle: true, seed });
  await calibrate(net, loader.epoch(0), { batches, method: quant.calibrate });
}

/** BinaryRelax: η grows from 1 to this, twice an epoch, over the first part of the run; the rest trains exactly quantized. */
const RELAX = { top: 100, share: 0.8 };

/** The optimizer of a run: the base alone in float, or blended, or relaxing. */
export function optimizerFor(net: Module, config: RunConfig, stepsPerEpoch: number): OptimizerLike {
  const { lr, momentum, weightDecay, quant, epochs } = config;
  const base = (parameters: ParametersOrGroups<SGDOptions>): OptimizerLike =>
    config.optimizer === "adam"
      ? new Adam(parameters as Iterable<Parameter>, { lr, weightDecay })
      : new SGD(parameters, { lr, momentum, weightDecay });
  const parameters = net.parameters();
  if (quant === null) return base(parameters);
  if (quant.method !== "relax") return new BCGD(parameters, { base, rho: quant.rho });
  const exactFrom = Math.floor(RELAX.share * epochs * stepsPerEpoch);
  const growEvery = Math.ceil(stepsPerEpoch / 2);
  const growth = pow(RELAX.top, 1 / Math.max(1, Math.floor(exactFrom / growEvery)));
  return new BinaryRelax(parameters, { base }, { eta: 1, growth, growEvery, exactFrom });
}
