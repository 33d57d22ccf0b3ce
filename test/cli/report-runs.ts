/** @file Runs for tests of the report page, as if they had been read from folders. */
import type { EpochRow, LayerWeights, Mistake, Predictions, ReportRun, Weights } from "../../src/cli/report/model.js";
import { reportPage } from "../../src/cli/report/page.js";
import { picture } from "../../src/cli/report/picture.js";

/** Layers of the runs. */
export const LAYERS = ["conv1", "conv2", "fc1", "fc2"];
/** Classes of their images. */
export const CLASSES = Array.from({ length: 10 }, (_, label) => `${label}`);

/** Metrics of an epoch. */
export function epochRow(epoch: number, quantized: boolean): EpochRow {
  const each = (value: number) => (quantized ? Object.fromEntries(LAYERS.map((name) => [name, value / epoch])) : {});
  return {
    epoch,
    loss: 1 / epoch,
    accuracy: 90 + epoch,
    valAccuracy: 89 + epoch,
    lr: 0.01 / epoch,
    imagesPerSecond: 800,
    flips: quantized ? 1 / epoch : null,
    flipRatio: each(0.01),
    alpha: each(0.2),
    saturation: each(0.02),
  };
}

function dots(side: number, channels: 1 | 3) {
  const pixels = Uint8Array.from({ length: side * side * channels }, (_, i) => (i * 37) % 256);
  return picture({ width: side, height: side, channels, pixels });
}

/** Counts in which the first four classes are read as the next one now and then. */
export function predictionsOf(classes: readonly string[]): Predictions {
  const confusion = classes.map((_, truth) =>
    classes.map((__, predicted) => (truth === predicted ? 100 : predicted === truth + 1 && truth < 4 ? truth + 1 : 0)),
  );
  const wrong = confusion.flatMap((row, i) => row.filter((_, j) => j !== i)).reduce((sum, found) => sum + found, 0);
  const mistakes = [0, 1, 2, 3].map(
    (truth): Mistake => ({
      ...{ image: 10 * truth, truth, predicted: truth + 1, probability: 0.9 - truth / 10 },
      picture: dots(28, 1),
    }),
  );
  return { images: 100 * classes.length + wrong, wrong, classes, confusion, mistakes, warning: null };
}

/** Histograms of all layers, and kernels of the first. */
export function weightsOf(bits: number): Weights {
  const levels = { 1: [-0.1, 0.1], 2: [-0.1, 0, 0.1], 4: [-0.2, -0.15, -0.1, 0.1, 0.2] }[bits] ?? [];
  const layer = (name: string): LayerWeights => ({
    ...{ name, bits, count: 800, unit: "w", edge: 0.3 },
    bins: Array.from({ length: 49 }, (_, i) => 24 - Math.abs(24 - i)),
    levels: levels.map((at) => ({ at, share: 1 / levels.length })),
  });
  return {
    layers: LAYERS.map(layer),
    kernels: {
      ...{ layer: LAYERS[0], bits, total: 32, shape: [5, 5, 1] },
      pictures: Array.from({ length: 32 }, () => dots(5, 3)),
    },
  };
}

/** A run with everything that a page may show. */
export function run(name: string, bits: string, fields: Partial<ReportRun> = {}): ReportRun {
  const quantized = bits !== "float";
  return {
    name,
    model: "lenet5",
    data: "mnist",
    bits,
    method: quantized ? "bcgd" : "float",
    seed: 1,
    command: `npx coarsegrad train --out ${name}`,
    finished: true,
    epochs: 4,
    wallSeconds: 100,
    imagesPerSecond: 800,
    accuracy: 98,
    testImages: 10_000,
    sha256: "ab".repeat(32),
    graphMillisecondsPerImage: 0.5,
    packed: {
      bytes: quantized ? 84_000 : 2_330_000,
      floatBytes: 2_320_000,
      accuracy: 98,
      millisecondsPerImage: 0.3,
      codesCompared: quantized ? 1000 : null,
      codesEqual: quantized ? 1000 : null,
    },
    layers: LAYERS.map((layer, i) => ({
      ...{ name: layer, kind: "conv", weightBits: quantized ? 1 : 32, activationBits: 4 },
      ...{ parameters: 100 * (i + 1), bytes: 10 * (i + 1), macs: 1000 * (i + 1) },
    })),
    metrics: [1, 2, 3, 4].map((epoch) => epochRow(epoch, quantized)),
    config: { lr: 0.01, bits, keepFloat: [] },
    predictions: predictionsOf(CLASSES),
    weights: weightsOf(quantized ? Number.parseInt(bits, 10) : 32),
    ...fields,
  };
}

/** A run of which next to nothing is known. */
export function bareRun(name: string): ReportRun {
  return run(name, "1W4A", {
    ...{ packed: null, layers: [], metrics: [], config: {}, command: null, accuracy: null, testImages: null },
    ...{ finished: false, sha256: null, wallSeconds: null, imagesPerSecond: null, graphMillisecondsPerImage: null },
    predictions: { leftOut: "mnist: data set not found" },
    weights: { leftOut: "the run has no checkpoint yet" },
  });
}

/** The page of some runs; the first heads it. */
export function page(...runs: ReportRun[]): string {
  return reportPage({ title: "A title", subtitle: "…", version: "1.2.3", runs, headline: 0 });
}
