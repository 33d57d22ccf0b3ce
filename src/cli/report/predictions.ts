/** @file What the packed model of a run makes of its test images: counts, and the pictures that it gets wrong. */
import { largestAt } from "../../codes/ranking.js";
import { type ImageDataset, imageSize } from "../../data/dataset.js";
import { createSession } from "../../infer/create-session.js";
import { checkFits } from "../../run/images.js";
import { softmax } from "../../run/packed.js";
import type { Mistake, Predictions } from "./model.js";
import { thumbnail } from "./picture.js";

/** Images that go through the runtime together. */
const BATCH = 256;

/** A packed model and the images to try it on. */
export interface Trial {
  /** Of the packed file. */
  readonly packed: Uint8Array;
  readonly file: string;
  readonly data: ImageDataset;
  /** Accuracy that the run recorded for its packed model, percent, and over how many images. */
  readonly recorded: { readonly accuracy: number; readonly images: number } | null;
  /** How many mistakes to draw. */
  readonly pictures: number;
}

/** A mistake, not yet drawn. */
type Found = Omit<Mistake, "picture">;

/**
 * Classifies the images by the integer runtime.
 *
 * @param onProgress told how many images are done
 * @throws ArgumentError if the images are not the model's, FormatError if the file is damaged
 */
export async function predictionsOf(trial: Trial, onProgress: (done: number) => void): Promise<Predictions> {
  const { packed, file, data, recorded } = trial;
  using session = createSession(packed, { file });
  const outputs = session.outputShape.reduce((product, extent) => product * extent, 1);
  checkFits("report", data, session.inputShape, outputs);
  const size = imageSize(data);
  const confusion = Array.from({ length: outputs }, () => new Array<number>(outputs).fill(0));
  const found: Found[] = [];
  for (let first = 0; first < data.count; first += BATCH) {
    const last = Math.min(data.count, first + BATCH);
    const logits = session.run(data.images.subarray(first * size, last * size));
    for (let image = first; image < last; image++) {
      const own = logits.subarray((image - first) * outputs, (image - first + 1) * outputs);
      const predicted = largestAt(own);
      const truth = data.labels[image];
      confusion[truth][predicted]++;
      if (predicted !== truth) found.push({ image, truth, predicted, probability: softmax(own)[predicted] });
    }
    onProgress(last);
    // Signals and progress get a turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const accuracy = (100 * (data.count - found.length)) / data.count;
  const differs = recorded !== null && recorded.images === data.count && Math.abs(recorded.accuracy - accuracy) > 1e-6;
  return {
    images: data.count,
    wrong: found.length,
    classes: session.classes ?? data.classNames ?? confusion.map((_, label) => `${label}`),
    confusion,
    mistakes: drawn(found, data, trial.pictures),
    warning: differs
      ? `These images are not those that the run was tested on: ${accuracy.toFixed(2)} % here, ${recorded.accuracy.toFixed(2)} % recorded.`
      : null,
  };
}

/** The most confident mistakes with their pictures. */
function drawn(found: readonly Found[], data: ImageDataset, most: number): Mistake[] {
  const [height, width, channels] = data.shape;
  if (channels !== 1 && channels !== 3) return [];
  const size = imageSize(data);
  return [...found]
    .sort((a, b) => b.probability - a.probability || a.image - b.image)
    .slice(0, most)
    .map((mistake) => {
      const pixels = data.images.slice(mistake.image * size, (mistake.image + 1) * size);
      return { ...mistake, picture: thumbnail({ width, height, channels, pixels }) };
    });
}
