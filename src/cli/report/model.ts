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

/** What a section of the page shows, or why it is left out. */
export type Shown<T> = T | { readonly leftOut: string };

/** True if there is something to show. */
export function isShown<T extends object>(value: Shown<T>): value is T {
  return !("leftOut" in value);
}

/** A test image that the packed model takes for another class. */
export interface Mistake {
  /** Its place among the test images, from 0. */
  readonly image: number;
  readonly truth: number;
  readonly predicted: number;
  /** Of the prediction, in [0, 1]. */
  readonly probability: number;
  readonly picture: Picture;
}

/** A picture inside the page. */
export interface Picture {
  /** A `data:` URL of a PNG file. */
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

/** What the packed model makes of the test images. */
export interface Predictions {
  readonly images: number;
  readonly wrong: number;
  readonly classes: readonly string[];
  /** `confusion[truth][predicted]`: how many images. */
  readonly confusion: readonly (readonly number[])[];
  /** Those shown: the most confident first. */
  readonly mistakes: readonly Mistake[];
  /** What does not fit together, if anything. */
  readonly warning: string | null;
}

/** A value that quantized weights take. */
export interface Level {
  readonly at: number;
  /** Of all weights, in [0, 1]. */
  readonly share: number;
}

/** The weights of one layer, as trained and as quantized. */
export interface LayerWeights {
  readonly name: string;
  /** 32 is float. */
  readonly bits: number;
  /** How many. */
  readonly count: number;
  /** What the axis counts in: weights themselves, or multiples of each channel's step δ. */
  readonly unit: "w" | "w/δ";
  /** The bins cover [−edge, edge]; the outermost hold what lies beyond, too. */
  readonly edge: number;
  /** Latent float weights in each bin. */
  readonly bins: readonly number[];
  /** In ascending order; none for float layers. */
  readonly levels: readonly Level[];
}

/** The first layer's kernels as pictures. */
export interface Kernels {
  readonly layer: string;
  /** 32 is float. */
  readonly bits: number;
  /** How many the layer has; `pictures` may be fewer. */
  readonly total: number;
  /** [rows, columns, channels] of one; channels lie above one another in its picture. */
  readonly shape: readonly [number, number, number];
  readonly pictures: readonly Picture[];
}

/** What the checkpoint holds. */
export interface Weights {
  readonly layers: readonly LayerWeights[];
  /** Null if the first layer's weights are no pictures. */
  readonly kernels: Kernels | null;
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
  /** How many images that accuracy is of; null if the run does not say. */
  readonly testImages: number | null;
  /** SHA-256 of the trained weights. */
  readonly sha256: string | null;
  /** Milliseconds per image of the training graph, where measured. */
  readonly graphMillisecondsPerImage: number | null;
  readonly packed: PackedResult | null;
  readonly layers: readonly LayerRow[];
  readonly metrics: readonly EpochRow[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly predictions: Shown<Predictions>;
  readonly weights: Shown<Weights>;
}

/** Everything on one page. */
export interface Report {
  readonly title: string;
  readonly subtitle: string;
  readonly version: string;
  readonly runs: readonly ReportRun[];
  /** Index of the run that was asked for: its figures head the page, the others are compared with it. */
  readonly headline: number;
}

/** The part of a run that the charts need; embedded in the page. */
export interface ChartRun {
  readonly name: string;
  readonly metrics: readonly EpochRow[];
}
