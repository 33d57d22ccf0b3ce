/** @file Resampling of photographs: crops and sizes as ImageNet training and testing want them. */
import { ArgumentError } from "../core/errors.js";
import { exp, log } from "../core/math.js";
import type { Rng } from "../core/rng.js";

/** An 8-bit image, [height, width, channels]. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

/** A part of a picture, in pixels; it may begin and end between them. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What one output pixel takes of a line of input pixels: weights from `from` on that add up to 1. */
interface Taps {
  readonly from: number;
  readonly weights: Float64Array;
}

/**
 * Bilinear filter with antialiasing: a triangle over the input whose half-width is one pixel, or as many as fall into
 * an output pixel when the picture shrinks; cut off at the box and scaled to a sum of 1.
 */
function tapsOf(start: number, extent: number, size: number, limit: number): Taps[] {
  const scale = extent / size;
  const support = Math.max(1, scale);
  const [lo, hi] = [Math.max(0, Math.floor(start)), Math.min(limit, Math.ceil(start + extent))];
  return Array.from({ length: size }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const from = Math.min(Math.max(lo, Math.floor(centre - support + 0.5)), hi - 1);
    const to = Math.max(from + 1, Math.min(hi, Math.floor(centre + support + 0.5)));
    const weights = Float64Array.from({ length: to - from }, (_, k) =>
      Math.max(0, 1 - Math.abs(from + k + 0.5 - centre) / support),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    // A box narrower than a pixel can miss every centre.
    if (sum === 0) return { from, weights: Float64Array.of(1) };
    return { from, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * A part of a picture at another size: bilinear with antialiasing, columns first, each pass in float64, rounded to the
 * nearest level at the end.
 *
 * @param box the part; by default the whole picture
 * @returns pixels [height, width, channels] of the result
 * @throws ArgumentError on an empty result or a box that is empty or reaches out of the picture
 */
export function resample(picture: Picture, width: number, height: number, box?: Box): Uint8Array {
  const { channels, pixels } = picture;
  const part = box ?? { x: 0, y: 0, width: picture.width, height: picture.height };
  const inside =
    part.x >= 0 && part.y >= 0 && part.x + part.width <= picture.width && part.y + part.height <= picture.height;
  if (!(width > 0 && height > 0 && part.width > 0 && part.height > 0 && inside)) {
    throw new ArgumentError({
      op: "resample",
      what: "bad sizes",
      expected: `a box inside ${picture.width}×${picture.height} and a result of at least one pixel`,
      got: `${part.width}×${part.height} at ${part.x},${part.y} to ${width}×${height}`,
    });
  }
  const columns = tapsOf(part.x, part.width, width, picture.width);
  const rows = tapsOf(part.y, part.height, height, picture.height);
  const first = rows[0].from;
  const last = rows.reduce((most, { from, weights }) => Math.max(most, from + weights.length), 0);
  const lines = new Float64Array((last - first) * width * channels);
  for (let y = first; y < last; y++) {
    for (let x = 0; x < width; x++) {
      const { from, weights } = columns[x];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let at = (y * picture.width + from) * channels + c;
        for (let k = 0; k < weights.length; k++, at += channels) sum += weights[k] * pixels[at];
        lines[((y - first) * width + x) * channels + c] = sum;
      }
    }
  }
  const out = new Uint8Array(height * width * channels);
  const stride = width * channels;
  for (let y = 0; y < height; y++) {
    const { from, weights } = rows[y];
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * lines[(from - first + k) * stride + i];
      out[y * stride + i] = Math.min(255, Math.floor(sum + 0.5));
    }
  }
  return out;
}

/**
 * How pictures are tested: the shorter side to `resize` pixels, then the middle `size`×`size` of it.
 *
 * @returns pixels [size, size, channels]
 */
export function centreCrop(picture: Picture, resize: number, size: number): Uint8Array {
  // The middle of the resized picture is a box in the middle of the original: one pass does both.
  const scale = Math.min(picture.width, picture.height) / resize;
  const side = size * scale;
  return resample(picture, size, size, {
    x: (picture.width - side) / 2,
    y: (picture.height - side) / 2,
    width: side,
    height: side,
  });
}

/** Attempts to find a box that fits before the largest middle one is taken. */
const ATTEMPTS = 10;

/**
 * The box of a random resized crop (Szegedy et al. 2015): its area is 8 to 100 % of the picture's, its aspect ratio 3/4
 * to 4/3, evenly in its logarithm, its place anywhere. If none fits in ten attempts: the largest box in the middle with
 * an aspect ratio in that range.
 */
export function randomBox({ width, height }: Pick<Picture, "width" | "height">, rng: Rng): Box {
  const bounds = [log(3 / 4), log(4 / 3)];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = width * height * rng.range(0.08, 1);
    const ratio = exp(rng.range(bounds[0], bounds[1]));
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w >= 1 && h >= 1 && w <= width && h <= height) {
      return { x: rng.int(width - w + 1), y: rng.int(height - h + 1), width: w, height: h };
    }
  }
  const w = Math.min(width, Math.round(height * (4 / 3)));
  const h = Math.min(height, Math.round(width * (4 / 3)));
  return { x: Math.floor((width - w) / 2), y: Math.floor((height - h) / 2), width: w, height: h };
}
