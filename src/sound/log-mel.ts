/** @file Spectrograms in mel bands and dB, and their codes: what a network that hears is fed. */
import { check, integer, refuse } from "../core/checks.js";
import { cos, log } from "../core/math.js";
import { kindOf } from "../core/typed-arrays.js";
import { RealFft } from "./fft.js";
import { checkFrontEnd, clipLength, type FrontEnd } from "./front-end.js";
import { type MelBand, melBands } from "./mel.js";

const DB = 10 / Math.LN10;
const HIGHEST_CODE = 255;

/**
 * Makes spectrograms; equal samples give equal bits on every engine.
 *
 * @example
 * const codes = new LogMel(frontEnd).clip(samples); // Uint8Array, [frames, bands, 1]
 */
export class LogMel {
  /** How they are made. */
  readonly front: FrontEnd;
  readonly #fft: RealFft;
  readonly #window: Float64Array;
  readonly #bands: readonly MelBand[];
  readonly #frame: Float64Array;
  readonly #powers: Float64Array;

  /** @throws ArgumentError for what is no front end, and for bands without a bin */
  constructor(front: FrontEnd) {
    checkFrontEnd("LogMel", front);
    const { window } = front;
    let size = 4;
    while (size < window) size *= 2;
    this.front = front;
    this.#fft = new RealFft(size);
    this.#bands = melBands(front, size);
    this.#frame = new Float64Array(size);
    this.#powers = new Float64Array(size / 2 + 1);
    // Hann, periodic; so scaled that a constant 1 has power 1.
    const hann = Float64Array.from({ length: window }, (_, n) => 0.5 - 0.5 * cos((2 * Math.PI * n) / window));
    const sum = hann.reduce((a, b) => a + b, 0);
    this.#window = hann.map((w) => w / sum);
  }

  /** Frames of so many samples. */
  frames(samples: number): number {
    const { window, hop } = this.front;
    return Math.max(0, Math.floor((samples - window) / hop) + 1);
  }

  /**
   * Levels in dB: 10·log10(max(Σ_k w_bk |X_k|², 10^(floor/10))), with X_k the spectrum of a frame behind a Hann window of
   * sum 1 and w the band's triangle. Where the front end has a `level`, all are moved by as much as brings the loudest
   * of them there, before the floor.
   *
   * @param samples full scale is −1 … 1
   * @returns [frames, bands], as many frames as fit; the caller owns it
   */
  levels(samples: Float32Array): Float64Array {
    return this.#brought(this.#raw(samples), this.front.level);
  }

  /** Levels as they are, −∞ where there is no power. */
  #raw(samples: Float32Array): Float64Array {
    checkSamples("LogMel", samples);
    const { window, hop, bands } = this.front;
    const frames = this.frames(samples.length);
    const out = new Float64Array(frames * bands);
    for (let t = 0; t < frames; t++) {
      for (let n = 0; n < window; n++) this.#frame[n] = samples[t * hop + n] * this.#window[n];
      this.#fft.powers(this.#frame, this.#powers);
      this.#bands.forEach(({ first, weights }, b) => {
        let power = 0;
        for (let k = 0; k < weights.length; k++) power += weights[k] * this.#powers[first + k];
        out[t * bands + b] = power > 0 ? DB * log(power) : -Infinity;
      });
    }
    return out;
  }

  /** Levels from the floor up, moved by as much as brings the loudest to `level`, if that is given. In place. */
  #brought(levels: Float64Array, level: number | undefined): Float64Array {
    const { floor } = this.front;
    const loudest = loudestOf(levels);
    const by = level === undefined || loudest === -Infinity ? 0 : level - loudest;
    for (let i = 0; i < levels.length; i++) levels[i] = Math.max(floor, levels[i] + by);
    return levels;
  }

  /** Codes of levels. */
  #coded(levels: Float64Array): Uint8Array {
    const { floor, top } = this.front;
    const scale = HIGHEST_CODE / (top - floor);
    return Uint8Array.from(levels, (dB) => Math.min(HIGHEST_CODE, Math.floor((dB - floor) * scale + 0.5)));
  }

  /**
   * Codes of the levels: round(255·(dB − floor)/(top − floor)), from 0 to 255.
   *
   * @returns [frames, bands], as many frames as fit
   */
  codes(samples: Float32Array): Uint8Array {
    return this.#coded(this.levels(samples));
  }

  /** Codes of one clip, see {@link clipOf}. @returns [frames, bands, 1], what the network is fed */
  clip(samples: Float32Array): Uint8Array {
    return this.picture(samples).codes;
  }

  /** Codes of one clip, and how loud it was: the loudest level in dB before it was moved, at least the floor. */
  picture(samples: Float32Array): { codes: Uint8Array; loudest: number } {
    checkSamples("LogMel", samples);
    const { front } = this;
    const raw = this.#raw(clipOf(samples, clipLength(front), front.hop));
    const loudest = Math.max(front.floor, loudestOf(raw));
    return { codes: this.#coded(this.#brought(raw, front.level)), loudest };
  }
}

/**
 * Sound of one length: shorter sound in the middle between zeros, of longer sound the loudest part, in steps of `step`
 * (the first of equals).
 *
 * @returns `length` samples, which the caller owns
 */
export function clipOf(samples: Float32Array, length: number, step = 1): Float32Array {
  checkSamples("clipOf", samples);
  check("clipOf", "length", length, integer(1, 2 ** 28));
  check("clipOf", "step", step, integer(1));
  const out = new Float32Array(length);
  const spare = samples.length - length;
  if (spare <= 0) {
    out.set(samples, Math.floor(-spare / 2));
    return out;
  }
  const sums = new Float64Array(samples.length + 1);
  for (let n = 0; n < samples.length; n++) sums[n + 1] = sums[n] + samples[n] * samples[n];
  let best = 0;
  for (let at = 0; at <= spare; at += step) {
    if (sums[at + length] - sums[at] > sums[best + length] - sums[best]) best = at;
  }
  out.set(samples.subarray(best, best + length));
  return out;
}

function loudestOf(levels: Float64Array): number {
  return levels.reduce((a, b) => Math.max(a, b), -Infinity);
}

/** Refuses what are no samples. @throws ArgumentError */
export function checkSamples(op: string, samples: unknown): void {
  if (kindOf(samples) !== "Float32Array") refuse(op, "samples", "a Float32Array", samples);
  const values = samples as Float32Array;
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) refuse(op, `sample ${at}`, "a finite number", values[at]);
}
