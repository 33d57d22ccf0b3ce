/** @file What is kept of a run, and what is asked for: plain data that pages, workers and the store share. */
import type { RunConfig, Settings } from "coarsegrad/run";
import type { FrontEnd } from "coarsegrad/sound";
import type { EpochMetrics } from "coarsegrad/train";
import type { LayerView } from "../shell/histogram.js";

/** Which images a run is trained on. */
export type DataSource =
  | { readonly kind: "digits" }
  /** Images that were dropped or made on the page, by their key in the store. */
  | { readonly kind: "images"; readonly key: string };

/** A curve. */
export interface Curve {
  readonly x: number[];
  readonly y: number[];
}

/** What became of a run. */
export interface Outcome {
  readonly weightsSha256: string;
  /** Percent of the test images, by the network and by its packed file. */
  readonly top1: number;
  readonly packedTop1: number;
  readonly packedBytes: number;
  readonly floatBytes: number;
}

/** A run, finished or not. */
export interface RunRecord {
  readonly id: string;
  readonly created: number;
  readonly name: string;
  readonly settings: Settings;
  readonly config: RunConfig;
  readonly data: DataSource;
  /** The run whose weights this one started from. */
  readonly from: string | null;
  readonly threads: number;
  status: "running" | "paused" | "stopped" | "finished" | "failed";
  /** Steps done, of how many. */
  step: number;
  steps: number;
  loss: number;
  accuracy: number;
  imagesPerSecond: number;
  etaSeconds: number;
  testing: boolean;
  /** Training loss by epoch, a mean over some steps each. */
  readonly losses: Curve;
  readonly epochs: EpochMetrics[];
  /** α by layer at some steps. */
  readonly alpha: Record<string, Curve>;
  /** Share of codes that one step changes, by layer. */
  readonly flips: Record<string, Curve>;
  outcome: Outcome | null;
  error: string | null;
}

/** Pictures of a first layer's filters, values in [−1, 1]. */
export interface Filters {
  readonly layer: string;
  readonly bits: number;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** What is shown of a network's weights. */
export interface WeightsView {
  readonly layers: readonly LayerView[];
  readonly filters: Filters | null;
}

/** What can be downloaded of a run. */
export type FileKind = "checkpoint" | "cgm" | "onnx" | "module" | "c" | "h";

/** What is known of images in the store. */
export interface ImagesNote {
  readonly key: string;
  readonly title: string;
  /** A data set of the library that they are, or null. */
  readonly known: "mnist" | "fashion-mnist" | "cifar10" | "fsdd" | null;
  readonly shape: readonly [number, number, number];
  readonly classNames: readonly string[];
  readonly train: number;
  readonly test: number;
  /** Of sound that is no data set of the library: how its pictures are made. */
  readonly sound?: FrontEnd;
}

/** Images in the store. */
export interface StoredImages extends ImagesNote {
  readonly pixels: { readonly train: Uint8Array; readonly test: Uint8Array };
  readonly labels: { readonly train: Uint8Array; readonly test: Uint8Array };
}

/** Keys of a run's files in the store. */
export const fileKey = (id: string, kind: "checkpoint" | "cgm"): string => `${id}/${kind}`;
