/** @file What is told of a model's file. */
import type { LayerView } from "../shell/histogram.js";

/** Thresholds of a layer's first channels. */
export interface ThresholdView {
  readonly name: string;
  readonly channels: number;
  readonly low: number;
  readonly high: number;
  readonly rows: readonly (readonly number[])[];
}

/** A model's file, read. */
export interface ModelReport {
  readonly kind: string;
  readonly figures: readonly (readonly [term: string, value: string, unit?: string])[];
  /** Heads as the page's tables take them. */
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly histograms: readonly LayerView[];
  readonly thresholds: readonly ThresholdView[];
  /** [H, W, C] of what it can be run on here; null if it cannot. */
  readonly input: readonly number[] | null;
  readonly classes: readonly string[] | null;
  readonly notes: readonly string[];
}

/** An answer to a picture. */
export interface Answer {
  readonly best: readonly { readonly label: string; readonly probability: number }[];
  readonly milliseconds: number;
}
