/** @file Options that the image models share. */
import { above, instanceOf, integer, type OptionRules, record } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";

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

/** What the options of every image model must be. */
export const IMAGE_RULES: OptionRules<ImageModelOptions> = {
  classes: integer(1),
  channels: integer(1),
  size: integer(1),
  rng: instanceOf(Rng, "an Rng"),
};

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

/** Most weights of one layer: a heap of 4 GiB holds no more. */
const MOST_WEIGHTS = 2 ** 30 - 1;

/**
 * Refuses a network whose weights cannot be held, before any of them is made.
 *
 * @param layers numbers of weights of its layers
 * @throws ArgumentError
 */
export function checkWeights(op: string, layers: readonly number[]): void {
  const total = layers.reduce((sum, count) => sum + count, 0);
  if (total <= MOST_WEIGHTS) return;
  throw new ArgumentError({
    op,
    what: "the network is too large",
    expected: `at most ${MOST_WEIGHTS} weights`,
    got: `${total}`,
  });
}

/** Options that the MobileNets share. */
export interface MobileNetOptions extends ImageModelOptions {
  /** What the paper's numbers of channels are multiplied by. */
  width?: number;
}

/** What a width must be. */
export const WIDTH_RULE: OptionRules<Pick<MobileNetOptions, "width">> = { width: above(0) };

/** Images of fewer pixels a side keep more of them: networks made for 224 would leave one pixel early. */
const SMALL = 64;

/** True for images such as CIFAR's. */
export function isSmall(size: number): boolean {
  return size < SMALL;
}

/** Stride of a MobileNet's first convolution. */
export function firstStride(size: number): number {
  return isSmall(size) ? 1 : 2;
}

/** Options of CIFAR residual networks. */
export interface ResNetOptions extends Omit<ImageModelOptions, "size"> {
  /** Blocks in each of the three stages: 3 for ResNet-20, n for ResNet-(6n+2). */
  blocks?: number;
  /** Constants that the network subtracts and divides by first; none by default. */
  normalize?: { mean: readonly number[]; std: readonly number[] };
}

/** `size` may be said as for other image models: a residual network takes any. */
export const RESNET_RULES: OptionRules<Omit<ResNetOptions, "blocks"> & ImageModelOptions> = {
  ...IMAGE_RULES,
  normalize: record,
};
