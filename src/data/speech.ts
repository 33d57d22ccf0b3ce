/**
 * @file Augmentations of spectrograms in codes, [frames, bands, 1], each a function of (seed, epoch, index) alone: time
 * shifts, loudness, noise, and masks (Park et al. 2019, "SpecAugment").
 */
import { atLeast, check, checkOptions, instanceOf, integer, within } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { exp, log } from "../core/math.js";
import { Rng } from "../core/rng.js";
import { type ImageTransform, shiftImage } from "./transforms.js";

const { LN10 } = Math;
/** dB between two codes of the front ends for speech. */
const DECIBELS_PER_CODE = 80 / 255;

/** A transform that refuses what is no spectrogram. */
export function spectrogramTransform(name: string, apply: ImageTransform["apply"]): ImageTransform {
  return {
    name,
    apply(codes, shape, rng) {
      check(name, "rng", rng, instanceOf(Rng, "an Rng"));
      // Moving by nothing asks whether these are codes of that shape.
      shiftImage(codes, shape, 0, 0);
      if (shape[2] !== 1) {
        throw new ShapeError({
          op: name,
          what: "not a spectrogram",
          expected: "[frames, bands, 1]",
          got: shape.join("x"),
        });
      }
      apply(codes, shape, rng);
    },
  };
}

/**
 * Moves a spectrogram by up to `frames` frames to either side, all equally likely; silence (code 0) comes into view.
 * @param options.frames @default 10
 */
export function timeShift(options: { frames?: number } = {}): ImageTransform {
  checkOptions("timeShift", options, { frames: integer(0, 2 ** 24) });
  const { frames = 10 } = options;
  return spectrogramTransform("timeShift", (codes, shape, rng) =>
    shiftImage(codes, shape, rng.int(2 * frames + 1) - frames, 0),
  );
}

/**
 * Makes it louder or softer by up to `codes` codes, all equally likely; silence stays.
 * @param options.codes @default 32: 10 dB with the front ends for speech
 */
export function loudness(options: { codes?: number } = {}): ImageTransform {
  checkOptions("loudness", options, { codes: integer(0, 255) });
  const { codes: most = 32 } = options;
  return spectrogramTransform("loudness", (codes, _, rng) => {
    const change = rng.int(2 * most + 1) - most;
    for (let i = 0; i < codes.length; i++) if (codes[i] > 0) codes[i] = Math.max(0, Math.min(255, codes[i] + change));
  });
}

/**
 * Adds noise in power: with probability `p`, of a level up to code `level` in every band alike, or falling towards
 * higher bands; each value of it fluctuates by some dB, as the power of noise in a short frame does.
 *
 * @param options.p probability. @default 0.5
 * @param options.level loudest noise, as a code. @default 112
 * @param options.decibels dB between two codes. @default 80/255, as the front ends for speech have
 */
export function spectralNoise(options: { p?: number; level?: number; decibels?: number } = {}): ImageTransform {
  checkOptions("spectralNoise", options, { p: within(0, 1), level: integer(0, 255), decibels: atLeast(1e-3) });
  const { p = 0.5, level = 112, decibels = DECIBELS_PER_CODE } = options;
  // What the softer of two powers adds to the louder, by their distance: log(1 + 10^(−d/10)), in codes.
  const unit = (LN10 / 10) * decibels;
  const added = Uint8Array.from({ length: 256 }, (_, d) => Math.floor(log(1 + exp(-d * unit)) / unit + 0.5));
  return spectrogramTransform("spectralNoise", (codes, [frames, bands], rng) => {
    if (!rng.bool(p)) return;
    const loudest = rng.int(level + 1);
    const slope = rng.bool(0.5) ? rng.int(loudest + 1) : 0;
    for (let t = 0; t < frames; t++) {
      for (let b = 0; b < bands; b++) {
        const noise = Math.max(0, loudest - Math.floor((slope * b) / bands) - rng.int(17));
        const i = t * bands + b;
        const [high, low] = codes[i] > noise ? [codes[i], noise] : [noise, codes[i]];
        codes[i] = Math.min(255, high + (low > 0 ? added[high - low] : 0));
      }
    }
  });
}

/**
 * Silences stretches of frames and of bands: `count` of each, of a random width up to the greatest, at random places.
 *
 * @param options.frames greatest width in time. @default 6
 * @param options.bands greatest width in frequency. @default 3
 * @param options.count masks of each kind. @default 2
 */
export function spectralMasks(options: { frames?: number; bands?: number; count?: number } = {}): ImageTransform {
  checkOptions("spectralMasks", options, {
    frames: integer(0, 2 ** 24),
    bands: integer(0, 2 ** 24),
    count: integer(0, 1000),
  });
  const { frames: longest = 6, bands: widest = 3, count = 2 } = options;
  return spectrogramTransform("spectralMasks", (codes, [frames, bands], rng) => {
    const stretch = (most: number, all: number): [number, number] => {
      const width = rng.int(Math.min(most, all) + 1);
      const start = rng.int(all - width + 1);
      return [start, start + width];
    };
    for (let k = 0; k < count; k++) {
      const [from, to] = stretch(longest, frames);
      codes.fill(0, from * bands, to * bands);
      const [low, high] = stretch(widest, bands);
      for (let t = 0; t < frames; t++) codes.fill(0, t * bands + low, t * bands + high);
    }
  });
}
