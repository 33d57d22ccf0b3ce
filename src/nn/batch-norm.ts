/** @file Batch normalization layers. */
import { batchNorm } from "../autograd/functions.js";
import { Tensor } from "../autograd/tensor.js";
import { above, check, checkOptions, integer, within } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Module } from "./module.js";
import { Buffer, Parameter } from "./parameter.js";

/** Options of batch norm layers. */
export interface BatchNormOptions {
  /** Added to the variance, > 0. Default 1e-5. */
  eps?: number;
  /** Weight of a new batch in the running statistics, in [0, 1]. Default 0.1. */
  momentum?: number;
}

/** What a normalization by the batch's own statistics is given. */
export interface NormalizeBatchOptions {
  /** Added to the variance. */
  readonly eps: number;
  /** Mean and variance of each channel. */
  readonly statistics: { readonly mean: NDArray; readonly variance: NDArray };
}

/**
 * Batch normalization over the last axis (channels), with γ as `weight` and β as `bias`.
 *
 * Training: y = (x − mean)/√(var + eps)·γ + β with the batch's mean and biased variance; the running statistics move
 * towards the batch's mean and *unbiased* variance by `momentum`, as in PyTorch. Evaluation: y = f32(x·scale) + shift
 * with scale = γ·invStd, shift = β − mean·scale, invStd = 1/√(var + eps), each operation rounded to f32 once: what the
 * packed runtime repeats exactly.
 *
 * @gradient exact
 * @throws ShapeError in training if there is only one value per channel
 */
export abstract class BatchNorm extends Module {
  /** Number of channels. */
  readonly features: number;
  /** Added to the variance. */
  readonly eps: number;
  /** Weight of a new batch in the running statistics; re-estimation of statistics changes it for a while. */
  momentum: number;
  /** γ of each channel. */
  weight: Parameter;
  /** β of each channel. */
  bias: Parameter;
  /** Mean of each channel over past batches, for evaluation. */
  runningMean: Buffer;
  /** Variance of each channel over past batches, for evaluation. */
  runningVar: Buffer;

  constructor(features: number, options: BatchNormOptions = {}) {
    super();
    const op = this.kind;
    check(op, "features", features, integer(1));
    checkOptions<BatchNormOptions>(op, options, { eps: above(0), momentum: within(0, 1) });
    this.features = features;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum ?? 0.1;
    this.weight = new Parameter(NDArray.full([features], 1));
    this.bias = new Parameter(NDArray.zeros([features]));
    this.runningMean = new Buffer(NDArray.zeros([features]));
    this.runningVar = new Buffer(NDArray.full([features], 1));
  }

  /** Name in messages: minifiers rename classes. */
  protected get kind(): string {
    return "BatchNorm";
  }
  /** Refuses inputs of a rank that the layer is not for. */
  protected abstract checkInput(x: Tensor): void;

  override forward(x: Tensor): Tensor {
    if (this.training) return this.normalizeBatch(x, (options) => batchNorm(x, this.weight, this.bias, options));
    this.checkInput(x);
    const fixed = { mean: new Tensor(this.runningMean.data), variance: new Tensor(this.runningVar.data) };
    return batchNorm(x, this.weight, this.bias, { eps: this.eps, fixed });
  }

  /**
   * Runs a normalization by the batch's own statistics and moves the running ones.
   *
   * @param normalize gets eps and the vectors to fill with the batch's mean and biased variance
   * @returns what `normalize` returns
   */
  normalizeBatch(x: Tensor, normalize: (options: NormalizeBatchOptions) => Tensor): Tensor {
    this.checkInput(x);
    const { eps, features, momentum } = this;
    const statistics = { mean: NDArray.empty([features]), variance: NDArray.empty([features]) };
    try {
      const y = normalize({ eps, statistics });
      const rows = x.size / features;
      move(this.runningMean, statistics.mean, momentum, 1);
      move(this.runningVar, statistics.variance, momentum, rows / (rows - 1));
      return y;
    } finally {
      statistics.mean.dispose();
      statistics.variance.dispose();
    }
  }
  protected override describe(): string {
    return `${this.features}`;
  }
}

/** running ← (1 − momentum)·running + momentum·(factor·batch), in f64, rounded to f32 once. */
function move(running: Buffer, batch: NDArray, momentum: number, factor: number): void {
  const into = running.data.view();
  const from = batch.view();
  for (let c = 0; c < into.length; c++) into[c] = (1 - momentum) * into[c] + momentum * (factor * from[c]);
  running.data.touch("batch norm in training");
}

/** {@link BatchNorm} for rows [N,C] and sequences [N,T,C]. */
export class BatchNorm1d extends BatchNorm {
  protected override get kind(): string {
    return "BatchNorm1d";
  }
  protected override checkInput(x: Tensor): void {
    checkRank("BatchNorm1d", x, x.rank === 3 ? 3 : 2, `rows [N,${this.features}] or sequences [N,T,${this.features}]`);
  }
}

/** {@link BatchNorm} for images [N,H,W,C]. */
export class BatchNorm2d extends BatchNorm {
  protected override get kind(): string {
    return "BatchNorm2d";
  }
  protected override checkInput(x: Tensor): void {
    checkRank("BatchNorm2d", x, 4, `images [N,H,W,${this.features}]`);
  }
}

function checkRank(op: string, x: Tensor, rank: number, expected: string): void {
  if (x.rank !== rank) throw new ShapeError({ op, what: "input rank", expected, got: shapeText(x.shape) });
}
