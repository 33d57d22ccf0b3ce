/** @file Augmentations of 8-bit images, each a function of (seed, epoch, index) alone, and normalization to floats. */
import {
  check,
  checkBytes,
  checkOptions,
  describe,
  instanceOf,
  integer,
  listOf,
  numeric,
  type Rule,
  within,
} from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { kindOf } from "../core/typed-arrays.js";
import { checkImageShape, type ImageShape } from "./dataset.js";

/**
 * A random change of one image in the 8-bit domain, so that the network's input stays an exact code.
 *
 * The loader gives each transform of each image a random stream of its own, named by seed, epoch, image index and
 * position in the list. Hence an image is augmented alike whatever the order of the epoch, the batch size, or where a
 * run was resumed.
 */
export interface ImageTransform {
  /** Name in messages and descriptions. */
  readonly name: string;
  /**
   * Changes `pixels`, [H, W, C], in place.
   * @param rng this image's stream; draw as much as you like
   */
  apply(pixels: Uint8Array, shape: ImageShape, rng: Rng): void;
}

/** Something that transforms images. */
export const transformRule: Rule = (value) =>
  typeof (value as ImageTransform | null | undefined)?.apply === "function" ? null : "a transform with apply()";

/** Refuses pixels that are not an image of this shape. @throws DTypeError, ShapeError, ArgumentError */
export function checkPixels(op: string, pixels: Uint8Array, shape: ImageShape): void {
  checkBytes(op, "pixels", pixels);
  checkImageShape(op, shape);
  if (kindOf(pixels) !== null && pixels.length === shape[0] * shape[1] * shape[2]) return;
  throw new ShapeError({ op, what: "pixels do not fit", expected: `${shape.join("x")} bytes`, got: describe(pixels) });
}

function checkApply(op: string, pixels: Uint8Array, shape: ImageShape, rng: Rng): void {
  checkPixels(op, pixels, shape);
  check(op, "rng", rng, instanceOf(Rng, "an Rng"));
}

/**
 * Pads by `padding` pixels on every side and crops a window of the image's own size at random: a shift by up to
 * `padding` pixels in each direction, all (2·padding + 1)² equally likely.
 * @param options.padding greatest shift, in pixels. @default 4
 * @param options.fill value of the padding, 0 … 255. @default 0
 * @returns the transform
 * @throws ArgumentError on a bad padding or fill
 */
export function randomCrop(options: { padding?: number; fill?: number } = {}): ImageTransform {
  checkOptions("randomCrop", options, { padding: integer(0, 2 ** 24), fill: integer(0, 255) });
  const { padding = 4, fill = 0 } = options;
  return {
    name: `random_crop(${padding})`,
    apply(pixels, shape, rng) {
      checkApply("randomCrop", pixels, shape, rng);
      const down = rng.int(2 * padding + 1) - padding;
      const right = rng.int(2 * padding + 1) - padding;
      shift(pixels, shape, down, right, fill);
    },
  };
}

/**
 * Moves the picture `down` and `right` (either may be negative), in place; what comes into view has the value `fill`.
 * @throws ArgumentError, DTypeError, ShapeError on what is no image, and on numbers that are no integers
 */
export function shiftImage(pixels: Uint8Array, shape: ImageShape, down: number, right: number, fill = 0): void {
  checkPixels("shiftImage", pixels, shape);
  check("shiftImage", "down", down, integer());
  check("shiftImage", "right", right, integer());
  check("shiftImage", "fill", fill, integer(0, 255));
  shift(pixels, shape, down, right, fill);
}

function shift(pixels: Uint8Array, shape: ImageShape, down: number, right: number, fill: number): void {
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
  checkOptions("horizontalFlip", options, { p: within(0, 1) });
  const { p = 0.5 } = options;
  return {
    name: `horizontal_flip(${p})`,
    apply(pixels, shape, rng) {
      checkApply("horizontalFlip", pixels, shape, rng);
      if (rng.bool(p)) mirror(pixels, shape);
    },
  };
}

/** Mirrors left and right, in place. @throws ArgumentError, DTypeError, ShapeError on what is no image */
export function mirrorImage(pixels: Uint8Array, shape: ImageShape): void {
  checkPixels("mirrorImage", pixels, shape);
  mirror(pixels, shape);
}

function mirror(pixels: Uint8Array, shape: ImageShape): void {
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
  checkBytes("normalize", "pixels", pixels);
  check("normalize", "mean", mean, listOf(numeric));
  check("normalize", "std", std, listOf(numeric));
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
