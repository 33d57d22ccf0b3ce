/** @file The record of a run as it goes on: curves, figures, and news of them a few times a second. */
import type { BatchLoader } from "coarsegrad/data";
import type { Module } from "coarsegrad/nn";
import type { Checkpoint, EpochMetrics, FitProgress } from "coarsegrad/train";
import type { Curve, RunRecord } from "./record.js";

/** Milliseconds between news. */
const EVERY = 200;
/** Most points of the curve of losses. */
const POINTS = 300;

/** Keeps a record up to date. */
export class Progress {
  readonly record: RunRecord;
  readonly #tell: (record: RunRecord) => void;
  #told = 0;
  #batches = 1;
  #images = 1;
  #window = 1;
  #layers: readonly string[] = [];
  #before = { images: 0, sum: 0, epoch: 0 };
  #point = { images: 0, sum: 0, steps: 0 };

  constructor(record: RunRecord, tell: (record: RunRecord) => void) {
    this.record = record;
    this.#tell = tell;
  }

  /**
   * Before the first step; what lies behind the checkpoint is taken back.
   *
   * @param layers paths of the quantized layers, in the order of the network
   */
  start({ batches, images }: BatchLoader, checkpoint: Checkpoint | undefined, layers: readonly string[]): void {
    const { record } = this;
    this.#batches = batches;
    this.#images = images;
    this.#layers = layers;
    record.steps = batches * record.config.epochs;
    record.step = checkpoint?.step ?? 0;
    record.error = null;
    this.#window = Math.max(1, Math.ceil(record.steps / POINTS));
    const now = record.step / batches;
    for (const curve of [record.losses, ...Object.values(record.alpha), ...Object.values(record.flips)])
      cut(curve, now);
    record.epochs.length = Math.min(record.epochs.length, checkpoint?.epoch ?? 0);
    this.#before = { images: 0, sum: 0, epoch: -1 };
  }

  /** After every step. */
  step({ epoch, step, loss, accuracy, imagesPerSecond, etaSeconds }: FitProgress): void {
    const { record } = this;
    record.status = "running";
    record.step = (epoch - 1) * this.#batches + step;
    Object.assign(record, { loss, accuracy, imagesPerSecond, etaSeconds });
    // The loss that is told is the mean of the epoch so far; the part of the last steps is what was added to it.
    const { batch } = record.config;
    const images = Math.min(this.#images, step * batch);
    if (this.#before.epoch !== epoch) {
      // A run that goes on within an epoch has a mean of earlier steps.
      const earlier = (step - 1) * batch;
      this.#before = { images: earlier, sum: earlier * loss, epoch };
    }
    this.#point.images += images - this.#before.images;
    this.#point.sum += images * loss - this.#before.sum;
    this.#before = { images, sum: images * loss, epoch };
    if (++this.#point.steps >= this.#window) {
      push(record.losses, record.step / this.#batches, this.#point.sum / this.#point.images);
      this.#point = { images: 0, sum: 0, steps: 0 };
    }
    if (performance.now() - this.#told >= EVERY) this.tell();
  }

  /** After every epoch. */
  epoch(metrics: EpochMetrics): void {
    this.record.epochs.push(metrics);
    for (const [layer, share] of Object.entries(metrics.flipRatio ?? {})) this.#flip(layer, metrics.epoch, share);
    this.tell();
  }

  /** α of all layers after the last step. */
  alpha(net: Module): void {
    for (const [key, { data }] of net.namedParameters()) {
      if (!/(?:^|\.)alpha$/.test(key)) continue;
      const curve = curveOf(this.record.alpha, key.replace(/\.?alpha$/, ""));
      push(curve, this.record.step / this.#batches, Number(data.toTypedArray()[0]));
    }
  }

  /** Flips so far in an epoch that is not complete. */
  partialFlips({ partial, model, step }: Checkpoint): void {
    const layers = this.#layers;
    if (partial === undefined || layers.length !== partial.counts.flips.length) return;
    partial.counts.flips.forEach(({ flips, projections }, i) => {
      const size = model.get(`${layers[i]}.weight`)?.data.length ?? 0;
      if (projections > 0 && size > 0) this.#flip(layers[i], step / this.#batches, flips / projections / size);
    });
  }

  #flip(layer: string, x: number, share: number): void {
    push(curveOf(this.record.flips, layer), x, 100 * share);
  }

  /** Sends the record. */
  tell(): void {
    this.#told = performance.now();
    this.#tell(this.record);
  }
}

function curveOf(curves: Record<string, Curve>, layer: string): Curve {
  curves[layer] ??= { x: [], y: [] };
  return curves[layer];
}

function push({ x, y }: Curve, at: number, value: number): void {
  if (x.length > 0 && x[x.length - 1] >= at) return;
  x.push(at);
  y.push(value);
}

function cut({ x, y }: Curve, end: number): void {
  while (x.length > 0 && x[x.length - 1] > end + 1e-9) {
    x.pop();
    y.pop();
  }
}
