/**
 * @file Augmentations of spectrograms that stand for other speakers and microphones: tempo, the length of the vocal
 * tract (Jaitly and Hinton 2013, "Vocal Tract Length Perturbation"), coloration. Functions of (seed, epoch, index) alone.
 */
import { checkOptions, integer, within } from "../core/checks.js";
import { spectrogramTransform } from "./speech.js";
import type { ImageTransform } from "./transforms.js";

/** Factor 1 − share … 1 + share, all equally likely. */
const SHARES = { share: within(0, 0.9) };

/** The value at a place between two codes, rounded. */
function between(one: number, other: number, share: number): number {
  return Math.floor(one * (1 - share) + other * share + 0.5);
}

/**
 * Makes it slower or faster about its middle: frame t is the one at middle + (t − middle)·f, between two frames by their
 * shares; silence comes into view. f is at most `share` away from 1, all equally likely.
 * @param options.share @default 0.2
 */
export function tempo(options: { share?: number } = {}): ImageTransform {
  checkOptions("tempo", options, SHARES);
  const { share = 0.2 } = options;
  return spectrogramTransform("tempo", (codes, [frames, bands], rng) => {
    const factor = rng.range(1 - share, 1 + share);
    const source = codes.slice();
    const middle = (frames - 1) / 2;
    for (let t = 0; t < frames; t++) {
      const place = middle + (t - middle) * factor;
      const before = Math.floor(place);
      for (let b = 0; b < bands; b++) {
        const at = (frame: number): number => (frame < 0 || frame >= frames ? 0 : source[frame * bands + b]);
        codes[t * bands + b] = between(at(before), at(before + 1), place - before);
      }
    }
  });
}

/**
 * Moves formants as a longer or shorter vocal tract does, on the mel scale: band b is the one whose middle lies at
 * f·(b + ½), between two bands by their shares; beyond the last, the last. f is at most `share` away from 1, all
 * equally likely.
 * @param options.share @default 0.2
 */
export function vocalTract(options: { share?: number } = {}): ImageTransform {
  checkOptions("vocalTract", options, SHARES);
  const { share = 0.2 } = options;
  return spectrogramTransform("vocalTract", (codes, [frames, bands], rng) => {
    const factor = rng.range(1 - share, 1 + share);
    const source = codes.slice();
    for (let b = 0; b < bands; b++) {
      const place = Math.min(bands - 1, Math.max(0, (b + 0.5) * factor - 0.5));
      const before = Math.floor(place);
      const after = Math.min(bands - 1, before + 1);
      for (let row = 0; row < frames * bands; row += bands) {
        codes[row + b] = between(source[row + before], source[row + after], place - before);
      }
    }
  });
}

/**
 * Colours it as rooms and microphones do: bands get louder or softer along a line through `knots` points, equally far
 * apart, each up to `codes` codes, all equally likely; silence stays.
 * @param options.codes @default 24
 * @param options.knots @default 5
 */
export function coloration(options: { codes?: number; knots?: number } = {}): ImageTransform {
  checkOptions("coloration", options, { codes: integer(0, 255), knots: integer(2, 1000) });
  const { codes: most = 24, knots = 5 } = options;
  return spectrogramTransform("coloration", (codes, [, bands], rng) => {
    const points = Array.from({ length: knots }, () => rng.range(-most, most));
    const change = Array.from({ length: bands }, (_, b) => {
      const place = bands === 1 ? 0 : (b * (knots - 1)) / (bands - 1);
      const before = Math.min(knots - 2, Math.floor(place));
      return between(points[before], points[before + 1], place - before);
    });
    for (let i = 0; i < codes.length; i++) {
      if (codes[i] > 0) codes[i] = Math.max(0, Math.min(255, codes[i] + change[i % bands]));
    }
  });
}
