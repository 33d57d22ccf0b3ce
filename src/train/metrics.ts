/** @file What is known of an epoch. */
import type { Module } from "../nn/module.js";
import { QuantWatch, type WatchCounts } from "../quant/diagnostics.js";
import type { LossParts } from "./distillation.js";
import type { NormStatistics } from "./norm-statistics.js";

/** Figures of one epoch of any run. Shares are in [0, 1]. What is per layer is keyed by the layer's path. */
export interface RunMetrics {
  /** From 1. */
  epoch: number;
  /** Mean training loss, label smoothing included. */
  loss: number;
  /** Its terms before they are weighted, where a teacher has one. */
  lossParts?: LossParts;
  /** Mean loss on the validation data; of images cross-entropy without label smoothing. */
  valLoss?: number;
  /** Learning rate of the last step. */
  lr: number;
  /** Seconds of training, without validation. */
  seconds: number;
  /** Mean share of a layer's weight codes that one step changed. */
  flipRatio?: Record<string, number>;
  /** Share of a layer's weight codes that are frozen at the end of the epoch; absent where none is. */
  frozenShare?: Record<string, number>;
  /** Activation steps at the end of the epoch. */
  alpha?: Record<string, number>;
  /** Share of a staircase's outputs at its highest code during the epoch. */
  saturation?: Record<string, number>;
  /** Share of a staircase's outputs that were 0 during the epoch. */
  zeroShare?: Record<string, number>;
  /** Trainable parameters that got no gradient other than 0 in the epoch; absent if all got one. */
  withoutGradient?: string[];
  /** What became of batch norms' running statistics after the last epoch; absent where nothing was looked at. */
  statistics?: NormStatistics;
  /** The average of weights that this epoch's validation is of; absent before there is one. */
  average?: AverageMetrics;
}

/** An average of weights after an epoch. */
export interface AverageMetrics {
  /** Steps (EMA) or epochs (SWA) that it is made of. */
  updates: number;
  /** Training images that statistics of batch norms were estimated on; 0: there are none, or they were averaged too. */
  images: number;
  /** The validation of the last step's weights, for comparison. */
  last: { valLoss?: number; valAccuracy?: number; valMetrics?: Record<string, number> };
}

/** Figures of one epoch on images; a line of `metrics.jsonl`. */
export interface EpochMetrics extends RunMetrics {
  /** Share of training images classified right while they were trained on. */
  accuracy: number;
  /** Share of validation images classified right. */
  valAccuracy?: number;
  /** Speed of training. */
  imagesPerSecond: number;
}

/** Figures of one epoch on examples of any task. */
export interface TaskMetrics extends RunMetrics {
  /** What was asked for by `metrics`, by name, of the training examples while they were trained on. */
  metrics: Record<string, number>;
  /** The same of the validation data. */
  valMetrics?: Record<string, number>;
  /** Speed of training. */
  examplesPerSecond: number;
}

/** The figures of quantized layers, as they stand in {@link EpochMetrics}; none for a float network. */
export type LayerMetrics = Pick<EpochMetrics, "flipRatio" | "frozenShare" | "alpha" | "saturation" | "zeroShare">;

/** Gathers the figures of quantized layers over an epoch. */
export class LayerWatch {
  readonly #watch: QuantWatch;
  constructor(net: Module) {
    this.#watch = new QuantWatch(net);
  }
  /** What was counted so far. */
  counted(): WatchCounts {
    return this.#watch.counted();
  }
  /** Adds what was counted elsewhere. @param flips false: codes of activations alone */
  add(counts: WatchCounts, flips: boolean): void {
    this.#watch.add(counts, flips);
  }
  /** Ends counting and gives what was counted; kinds that no layer has are left out. */
  read(): LayerMetrics {
    const { weights, activations } = this.#watch.read();
    this.stop();
    return {
      ...(weights.length > 0 && { flipRatio: byLayer(weights, (row) => row.flipRatio) }),
      ...(weights.some((row) => row.frozenShare > 0) && { frozenShare: byLayer(weights, (row) => row.frozenShare) }),
      ...(activations.length > 0 && {
        alpha: byLayer(activations, (row) => row.alpha),
        saturation: byLayer(activations, (row) => row.saturation),
        zeroShare: byLayer(activations, (row) => row.zeroShare),
      }),
    };
  }
  /** Ends counting. */
  stop(): void {
    this.#watch.stop();
  }
}

function byLayer<Row extends { readonly name: string }>(
  rows: readonly Row[],
  figure: (row: Row) => number,
): Record<string, number> {
  return Object.fromEntries(rows.map((row) => [row.name, figure(row)]));
}
