/** @file Words from sound: a packed model that hears, its front end before it. Imports no runtime: a session comes in. */
import { check, checkOptions, integer, record, refuse } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { exp } from "../core/math.js";
import { SOUND_RATES } from "../io/wav.js";
import { type FrontEnd, parseFrontEnd } from "./front-end.js";
import type { Heard, HearingSession } from "./heard.js";
import { Listener, type ListenerOptions } from "./listener.js";
import { checkSamples, LogMel } from "./log-mel.js";
import { resample } from "./resample.js";

/** A model that hears. */
export class Recognizer {
  /** How it hears. */
  readonly front: FrontEnd;
  /** Number of classes. */
  readonly classes: number;
  readonly #session: HearingSession;
  readonly #ear: LogMel;

  /** See {@link recognizer}. */
  constructor(session: HearingSession) {
    check("recognizer", "session", session, record);
    const { plan, inputShape, outputShape } = session;
    if (plan?.sound === undefined) {
      throw new ArgumentError({
        op: "recognizer",
        what: "the model does not say how it hears",
        expected: "a model that was packed with sound",
        got: "none",
        hint: "pack(net, { inputShape, sound: frontEnd })",
      });
    }
    this.front = parseFrontEnd(plan.sound, "recognizer");
    const { frames, bands } = this.front;
    if (`${inputShape}` !== `${[frames, bands, 1]}`)
      refuse("recognizer", "input of the model", `[${frames},${bands},1]`, inputShape);
    this.classes = outputShape.reduce((product, extent) => product * extent, 1);
    this.#session = session;
    this.#ear = new LogMel(this.front);
  }

  /**
   * What is said in a clip: shorter sound is put between silence, of longer sound the loudest part is heard.
   *
   * @param samples full scale is −1 … 1
   * @param rate their rate, if it is not the model's
   * @throws ArgumentError for what are no samples, and whatever `run` of the session throws
   */
  hear(samples: Float32Array, rate: number = this.front.rate): Heard {
    checkSamples("hear", samples);
    check("hear", "rate", rate, integer(...SOUND_RATES));
    const { codes, loudest } = this.#ear.picture(resample(samples, rate, this.front.rate));
    const logits = this.#session.run(codes);
    const highest = Math.max(...logits);
    const powers = Array.from(logits, (logit) => exp(logit - highest));
    const sum = powers.reduce((a, b) => a + b, 0);
    const label = logits.indexOf(highest);
    return {
      word: this.#session.classes?.[label] ?? `${label}`,
      label,
      probability: powers[label] / sum,
      probabilities: powers.map((power) => power / sum),
      level: loudest,
    };
  }

  /**
   * Listens to sound that comes piece by piece.
   *
   * @param options `rate` the model's, `every` 0.25 s, `quiet` a third of the way from silence to full scale, `least` 0.6
   * @throws ArgumentError on options out of range
   */
  listen(options: ListenerOptions = {}): Listener {
    checkOptions("listen", options, Listener.rules);
    return new Listener(this, options);
  }
}

/**
 * A recognizer of words by a packed model that says how it hears.
 *
 * @param session of `coarsegrad/infer`; it stays the caller's, and must live as long as the recognizer is used
 * @throws ArgumentError if the model does not hear; FormatError if what it says of it is no front end
 * @example
 * using session = createSession(bytes);
 * const { word } = recognizer(session).hear(samples, 44_100);
 */
export function recognizer(session: HearingSession): Recognizer {
  return new Recognizer(session);
}
