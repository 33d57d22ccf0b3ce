/** @file Listening: a ring of the last samples, and a decision every quarter of a second. */
import { integer, type OptionRules, real, within } from "../core/checks.js";
import { SOUND_RATES } from "../io/wav.js";
import { clipLength, type FrontEnd } from "./front-end.js";
import type { Heard } from "./heard.js";
import { checkSamples } from "./log-mel.js";

/** Choices of a listener. */
export interface ListenerOptions {
  /** Samples a second of what is pushed. Default: the model's. */
  readonly rate?: number;
  /** Seconds from one decision to the next, 0.01 … 10. Default 0.25. */
  readonly every?: number;
  /** Sound below this level, in dB, is silence. Default: a third of the way from the front end's floor to its top. */
  readonly quiet?: number;
  /** Words of a smaller share are none. Default 0.6. */
  readonly least?: number;
}

/** What was decided about the sound before a moment. */
export interface Decision extends Omit<Heard, "word"> {
  /** Seconds of sound until then. */
  readonly time: number;
  /** The word that was heard; null if it was quiet, or no word is likely enough. */
  readonly word: string | null;
}

interface Ear {
  readonly front: FrontEnd;
  hear(samples: Float32Array, rate: number): Heard;
}

/**
 * Sound that comes piece by piece. Decisions do not depend on where the pieces end. A word is heard as long as it is
 * within the clip, so that it is decided several times: count it when it comes anew.
 */
export class Listener {
  /** What the options may be. */
  static readonly rules: OptionRules<ListenerOptions> = {
    rate: integer(...SOUND_RATES),
    every: within(0.01, 10),
    quiet: real,
    least: within(0, 1),
  };
  readonly #ear: Ear;
  readonly #rate: number;
  readonly #step: number;
  readonly #quiet: number;
  readonly #least: number;
  /** The last samples; the next one goes to place `#seen` modulo its length. */
  readonly #ring: Float32Array;
  #seen = 0;

  /** See {@link Recognizer.listen}, which checks the options. */
  constructor(ear: Ear, { rate, every = 0.25, quiet, least = 0.6 }: ListenerOptions) {
    const { front } = ear;
    this.#ear = ear;
    this.#rate = rate ?? front.rate;
    this.#step = Math.max(1, Math.round(every * this.#rate));
    this.#quiet = quiet ?? front.floor + (front.top - front.floor) / 3;
    this.#least = least;
    this.#ring = new Float32Array(Math.ceil((clipLength(front) * this.#rate) / front.rate));
  }

  /** Seconds of sound so far. */
  get time(): number {
    return this.#seen / this.#rate;
  }

  /**
   * Takes more sound.
   *
   * @returns the decisions that fall within it, in order; often none
   * @throws ArgumentError for what are no samples
   */
  push(samples: Float32Array): Decision[] {
    checkSamples("push", samples);
    const decisions: Decision[] = [];
    for (let at = 0; at < samples.length; ) {
      const left = this.#step - (this.#seen % this.#step);
      const piece = samples.subarray(at, at + left);
      this.#keep(piece);
      at += piece.length;
      if (this.#seen % this.#step === 0) decisions.push(this.#decide());
    }
    return decisions;
  }

  #keep(piece: Float32Array): void {
    const { length } = this.#ring;
    const last = piece.subarray(Math.max(0, piece.length - length));
    const start = (this.#seen + piece.length - last.length) % length;
    const first = last.subarray(0, length - start);
    this.#ring.set(first, start);
    this.#ring.set(last.subarray(first.length), 0);
    this.#seen += piece.length;
  }

  #decide(): Decision {
    const { length } = this.#ring;
    const start = this.#seen % length;
    const clip = new Float32Array(length);
    clip.set(this.#ring.subarray(start), 0);
    clip.set(this.#ring.subarray(0, start), length - start);
    const heard = this.#ear.hear(clip, this.#rate);
    const word = heard.level >= this.#quiet && heard.probability >= this.#least ? heard.word : null;
    return { ...heard, word, time: this.time };
  }
}
