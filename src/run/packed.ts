/** @file Packed models over data sets: accuracy and speed of the integer runtime. */
import { rankOf } from "../codes/ranking.js";
import { exp } from "../core/math.js";
import type { ImageDataset } from "../data/dataset.js";
import { type BatchLoader, DataLoader, isBatchLoader } from "../data/loader.js";
import type { Session } from "../infer/session.js";
import { ownPart } from "../train/evaluate.js";
import { aloneWorld, gatherJson, type World } from "../world/world.js";
import { checkFits } from "./images.js";

/** How well and how fast a model classifies. */
export interface Accuracy {
  /** Number of images. */
  readonly images: number;
  /** Percent. */
  readonly top1: number;
  /** Percent. */
  readonly top5: number;
  /** Speed of the whole evaluation. */
  readonly imagesPerSecond: number;
}

/** Options of {@link packedAccuracy}. */
export interface PackedAccuracyOptions {
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
  /** Ranks that share the images; every one gets the whole result. Default: this process alone. */
  world?: World;
}

const BATCH = 256;

/**
 * Runs a packed model over a data set.
 *
 * @throws ArgumentError if the images or classes are not the model's; the signal's reason if it is aborted
 */
export async function packedAccuracy(
  session: Session,
  data: ImageDataset | BatchLoader,
  { onProgress, signal, world = aloneWorld() }: PackedAccuracyOptions = {},
): Promise<Accuracy> {
  const classes = session.outputShape.reduce((product, extent) => product * extent, 1);
  const loader = isBatchLoader(data) ? data : new DataLoader(data, { batch: BATCH });
  checkFits(
    "eval",
    { name: loader.name, shape: loader.imageShape, classes: loader.classes },
    session.inputShape,
    classes,
  );
  const range = world.size === 1 ? undefined : { shards: world.size, first: world.rank, end: world.rank + 1 };
  const own = { top1: 0, top5: 0, milliseconds: 0, images: 0 };
  let seen = 0;
  for await (const whole of loader.epoch(0, 0, range)) {
    signal?.throwIfAborted();
    const batch = ownPart(whole, range);
    seen += whole.part?.whole ?? whole.count;
    if (batch.count > 0) {
      const started = performance.now();
      const outputs = session.run(batch.images);
      own.milliseconds += performance.now() - started;
      for (let n = 0; n < batch.count; n++) {
        const rank = rankOf(outputs, batch.labels[n], n * classes, classes);
        if (rank < 1) own.top1++;
        if (rank < 5) own.top5++;
      }
    }
    own.images += batch.count;
    onProgress?.(seen);
  }
  const all = await gatherJson(world, own);
  const sum = (name: keyof typeof own): number => all.reduce((total, each) => total + each[name], 0);
  const images = sum("images");
  return {
    images,
    top1: (100 * sum("top1")) / images,
    top5: (100 * sum("top5")) / images,
    imagesPerSecond: (1000 * images) / Math.max(1e-3, ...all.map(({ milliseconds }) => milliseconds)),
  };
}

/** Probabilities of logits: e^(x − max) over their sum. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const top = Math.max(...values);
  const powers = values.map((value) => exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
