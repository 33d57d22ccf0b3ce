/** @file Cutout: a square of each image is hidden. */
import { check, checkOptions, either, instanceOf, integer, oneOf } from "../core/checks.js";
import { Rng } from "../core/rng.js";
import { checkPixels, type ImageTransform } from "./transforms.js";

/** Options of {@link cutout}. */
export interface CutoutOptions {
  /** Side of the square, in pixels. Default: half of the image's shorter side (16 of 32). */
  readonly size?: number;
  /** What it is filled with: a value 0 … 255, or each channel's mean over the image. Default "mean". */
  readonly fill?: number | "mean";
}

/**
 * Hides a square whose centre is any pixel, all equally likely; what of it lies outside the image is lost (DeVries and
 * Taylor 2017). With an even side the centre is the pixel right and below of the square's middle.
 *
 * @throws ArgumentError on a bad size or fill
 */
export function cutout(options: CutoutOptions = {}): ImageTransform {
  checkOptions<CutoutOptions>("cutout", options, {
    size: integer(1, 2 ** 24),
    fill: either(integer(0, 255), oneOf("mean")),
  });
  const { size, fill = "mean" } = options;
  return {
    name: size === undefined ? "cutout" : `cutout(${size})`,
    apply(pixels, shape, rng) {
      checkPixels("cutout", pixels, shape);
      check("cutout", "rng", rng, instanceOf(Rng, "an Rng"));
      const [height, width, channels] = shape;
      const side = size ?? Math.max(1, Math.floor(Math.min(height, width) / 2));
      const top = rng.int(height) - Math.floor(side / 2);
      const left = rng.int(width) - Math.floor(side / 2);
      const [from, to] = [Math.max(0, left), Math.min(width, left + side)];
      for (let c = 0; c < channels; c++) {
        const value = fill === "mean" ? meanOf(pixels, c, channels) : fill;
        for (let row = Math.max(0, top); row < Math.min(height, top + side); row++) {
          for (let column = from; column < to; column++) pixels[(row * width + column) * channels + c] = value;
        }
      }
    },
  };
}

/** A channel's mean, rounded to the nearest pixel value. */
function meanOf(pixels: Uint8Array, channel: number, channels: number): number {
  let sum = 0;
  for (let i = channel; i < pixels.length; i += channels) sum += pixels[i];
  return Math.round((sum * channels) / pixels.length);
}
