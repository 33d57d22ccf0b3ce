/** @file Options that the image models share. */
import { ArgumentError } from "../core/errors.js";
import type { Rng } from "../core/rng.js";

/** What an image classifier is made for. */
export interface ImageModelOptions {
  /** Number of logits. */
  classes?: number;
  /** Channels of the images. */
  channels?: number;
  /** Side of the square images in pixels. */
  size?: number;
  /** Draws the initial weights. Default: the generator that `manualSeed` sets. */
  rng?: Rng;
}

/** Side after a pool of `factor`. @throws ArgumentError if nothing or a fraction is left */
export function pooledSize(op: string, size: number, side: number, factor: number): number {
  const pooled = side / factor;
  if (!Number.isInteger(pooled) || pooled < 1) {
    throw new ArgumentError({
      op,
      what: "image size does not fit the layers",
      expected: "a size that every pool divides",
      got: `${size}`,
    });
  }
  return pooled;
}
