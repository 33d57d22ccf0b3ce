/** @file What the report page is drawn from: plain data, read from run folders, embedded in the page as JSON. */
import type { LayerRow } from "../../run/summary.js";

/** One epoch, one line of `metrics.jsonl`; what is per layer is keyed by the layer's name. */
export interface EpochRow {
  readonly epoch: number;
  readonly loss: number;
  /** Training accuracy, percent. */
  readonly accuracy: number | null;
  /** Accuracy on the held-out images, percent. */
  readonly valAccuracy: number | null;
  readonly lr: number | null;
  readonly imagesPerSecond: number | null;
  /** Mean flip ratio over the layers, percent. */
  readonly flips: number | null;
  readonly flipRatio: Readonly<Record<string, number>>;
  readonly alpha: Readonly<Record<string, number>>;
  readonly saturation: Readonly<Record<string, number>>;
}

/** What the integer runtime made of a run's packed file. */
export interface PackedResult {
  readonly bytes: number;
  /** Bytes of the same parameters as float32. */
  readonly floatBytes: number;
  readonly accuracy: number | null;
  readonly millisecondsPerImage: number | null;
  /** Codes that were compared with the training graph's, and how many of them agree. */
  readonly codesCompared: number | null;
  readonly codesEqual: number | null;
}

/** One run folder. */
export interface ReportRun {
  readonly name: string;
  readonly model: string;
  readonly data: string;
  /** `float` or nWmA. */
  readonly bits: string;
  readonly method: string;
  readonly seed: number | null;
  readonly command: string | null;
  readonly finished: boolean;
  readonly epochs: number | null;
  readonly wallSeconds: number | null;
  readonly imagesPerSecond: number | null;
  /** Final accuracy on the held-out images, percent. */
  readonly accuracy: number | null;
  /** SHA-256 of the trained weights. */
  readonly sha256: string | null;
  /** Milliseconds per image of the training graph, where measured. */
  readonly graphMillisecondsPerImage: number | null;
  readonly packed: PackedResult | null;
  readonly layers: readonly LayerRow[];
  readonly metrics: readonly EpochRow[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** Everything on one page. */
export interface Report {
  readonly title: string;
  readonly subtitle: string;
  readonly version: string;
  readonly runs: readonly ReportRun[];
}

/** The part of a run that the charts need; embedded in the page. */
export interface ChartRun {
  readonly name: string;
  readonly metrics: readonly EpochRow[];
}
