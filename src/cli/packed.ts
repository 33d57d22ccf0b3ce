/** @file Packed models over data sets: accuracy and speed of the integer runtime. */
import { exp } from "../core/math.js";
import { type ImageDataset, imageSize } from "../data/dataset.js";
import type { Session } from "../infer/session.js";
import { checkFits } from "./images.js";

/** How well and how fast a model classifies. */
export interface Accuracy {
  readonly images: number;
  /** Percent. */
  readonly top1: number;
  /** Percent. */
  readonly top5: number;
  readonly imagesPerSecond: number;
}

/** Options of {@link packedAccuracy}. */
export interface PackedAccuracyOptions {
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}

const BATCH = 256;

/**
 * Runs a packed model over a data set.
 *
 * @throws ArgumentError if the images or classes are not the model's; the signal's reason if it is aborted
 */
export async function packedAccuracy(
  session: Session,
  data: ImageDataset,
  { onProgress, signal }: PackedAccuracyOptions = {},
): Promise<Accuracy> {
  const classes = session.outputShape.reduce((product, extent) => product * extent, 1);
  checkFits("eval", data, session.inputShape, classes);
  const size = imageSize(data);
  let [top1, top5, milliseconds] = [0, 0, 0];
  for (let first = 0; first < data.count; first += BATCH) {
    signal?.throwIfAborted();
    const count = Math.min(BATCH, data.count - first);
    const started = performance.now();
    const outputs = session.run(data.images.subarray(first * size, (first + count) * size));
    milliseconds += performance.now() - started;
    for (let n = 0; n < count; n++) {
      const rank = rankOf(outputs.subarray(n * classes, (n + 1) * classes), data.labels[first + n]);
      if (rank < 1) top1++;
      if (rank < 5) top5++;
    }
    onProgress?.(first + count);
    await new Promise(setImmediate);
  }
  return {
    images: data.count,
    top1: (100 * top1) / data.count,
    top5: (100 * top5) / data.count,
    imagesPerSecond: (1000 * data.count) / Math.max(1e-3, milliseconds),
  };
}

/** How many outputs come before the label's; the first of equals wins, and a NaN never does. */
function rankOf(outputs: Float32Array, label: number): number {
  const own = outputs[label];
  if (Number.isNaN(own)) return outputs.length;
  let above = 0;
  for (let c = 0; c < outputs.length; c++) {
    if (c !== label && !(outputs[c] < own || (outputs[c] === own && c > label))) above++;
  }
  return above;
}

/** Probabilities of logits: e^(x − max) over their sum. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const top = Math.max(...values);
  const powers = values.map((value) => exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
