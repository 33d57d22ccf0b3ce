/** @file Augmentations of 8-bit images, each a function of (seed, epoch, index) alone, and normalization to floats. */
import { ArgumentError } from "../core/errors.js";
import type { Rng } from "../core/rng.js";
import type { ImageShape } from "./dataset.js";

/**
 * A random change of one image in the 8-bit domain, so that the network's input stays an exact code.
 *
 * The loader gives each transform of each image a random stream of its own, named by seed, epoch, image index and position in
 * the list. Hence an image is augmented alike whatever the order of the epoch, the batch size, or where a run was resumed.
 */
export interface ImageTransform {
  readonly name: string;
  /**
   * Changes `pixels`, [H, W, C], in place.
   * @param rng this image's stream; draw as much as you like
   */
  apply(pixels: Uint8Array, shape: ImageShape, rng: Rng): void;
}

/**
 * Pads by `padding` pixels on every side and crops a window of the image's own size at random: a shift by up to `padding`
 * pixels in each direction, all (2·padding + 1)² equally likely.
 * @param options.padding greatest shift, in pixels. @default 4
 * @param options.fill value of the padding, 0 … 255. @default 0
 * @returns the transform
 * @throws ArgumentError on a bad padding or fill
 */
export function randomCrop(options: { padding?: number; fill?: number } = {}): ImageTransform {
  const { padding = 4, fill = 0 } = options;
  if (!Number.isInteger(padding) || padding < 0) {
    throw new ArgumentError({ op: "randomCrop", what: "bad padding", expected: "an integer >= 0", got: `${padding}` });
  }
  if (!Number.isInteger(fill) || fill < 0 || fill > 255) {
    throw new ArgumentError({ op: "randomCrop", what: "bad fill", expected: "an integer in [0, 255]", got: `${fill}` });
  }
  return {
    name: `random_crop(${padding})`,
    apply(pixels, shape, rng) {
      const down = rng.int(2 * padding + 1) - padding;
      const right = rng.int(2 * padding + 1) - padding;
      shiftImage(pixels, shape, down, right, fill);
    },
  };
}

/** Moves the picture `down` and `right` (either may be negative), in place; what comes into view has the value `fill`. */
export function shiftImage(pixels: Uint8Array, shape: ImageShape, down: number, right: number, fill = 0): void {
  if (down === 0 && right === 0) return;
  const [height, width, channels] = shape;
  const source = pixels.slice();
  pixels.fill(fill);
  const columns = width - Math.abs(right);
  if (columns <= 0) return;
  const from = Math.max(0, -right);
  const to = Math.max(0, right);
  for (let row = Math.max(0, down); row < Math.min(height, height + down); row++) {
    const start = ((row - down) * width + from) * channels;
    pixels.set(source.subarray(start, start + columns * channels), (row * width + to) * channels);
  }
}

/**
 * Mirrors left and right with probability p.
 * @param options.p probability. @default 0.5
 * @returns the transform
 * @throws ArgumentError unless 0 ≤ p ≤ 1
 */
export function horizontalFlip(options: { p?: number } = {}): ImageTransform {
  const { p = 0.5 } = options;
  if (!(p >= 0 && p <= 1)) {
    throw new ArgumentError({ op: "horizontalFlip", what: "bad probability", expected: "0 <= p <= 1", got: `${p}` });
  }
  return {
    name: `horizontal_flip(${p})`,
    apply(pixels, shape, rng) {
      if (rng.bool(p)) mirrorImage(pixels, shape);
    },
  };
}

/** Mirrors left and right, in place. */
export function mirrorImage(pixels: Uint8Array, shape: ImageShape): void {
  const [height, width, channels] = shape;
  for (let row = 0; row < height; row++) {
    let left = row * width * channels;
    let right = left + (width - 1) * channels;
    for (; left < right; left += channels, right -= channels) {
      for (let c = 0; c < channels; c++) {
        const moved = pixels[left + c];
        pixels[left + c] = pixels[right + c];
        pixels[right + c] = moved;
      }
    }
  }
}

/**
 * Pixels as normalized floats: (x/255 − mean_c)/std_c, computed in float64 and rounded to f32 once.
 * @param pixels 8-bit pixels, channels last
 * @param mean one number per channel, on the scale of x/255
 * @param std one positive number per channel, on the same scale
 * @returns as many floats, which the caller owns
 * @throws ArgumentError if mean and std differ in length, a std is not positive, or the pixels are not whole
 */
export function normalize(pixels: Uint8Array, mean: readonly number[], std: readonly number[]): Float32Array {
  const channels = mean.length;
  const whole = channels > 0 && pixels.length % channels === 0;
  if (!whole || std.length !== channels || !std.every((s) => s > 0) || !mean.every(Number.isFinite)) {
    throw new ArgumentError({
      op: "normalize",
      what: "bad mean or std",
      expected: "one finite mean and one positive std per channel",
      got: `mean [${mean}], std [${std}] for ${pixels.length} bytes`,
    });
  }
  // 256 values per channel are all there are.
  const table = mean.map((m, c) => Float32Array.from({ length: 256 }, (_, x) => (x / 255 - m) / std[c]));
  const out = new Float32Array(pixels.length);
  for (let c = 0; c < channels; c++) {
    const values = table[c];
    for (let i = c; i < out.length; i += channels) out[i] = values[pixels[i]];
  }
  return out;
}
