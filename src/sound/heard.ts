/** @file What a recognizer asks of a model, and what it tells. */
import type { FrontEnd } from "./front-end.js";

/** What is asked of a session: that of `createSession` of `coarsegrad/infer` has it. */
export interface HearingSession {
  /** Its plan, of which the front end is read. */
  readonly plan: { readonly sound?: FrontEnd };
  /** [frames, bands, 1]. */
  readonly inputShape: readonly number[];
  /** Shape of one output. */
  readonly outputShape: readonly number[];
  /** Names of the classes, if it has them. */
  readonly classes: readonly string[] | undefined;
  /** Logits of one clip. */
  run(input: Uint8Array): Float32Array;
}

/** What was heard in a clip. */
export interface Heard {
  /** Name of the likeliest class, or its number. */
  readonly word: string;
  /** Number of that class. */
  readonly label: number;
  /** Its share of the softmax. */
  readonly probability: number;
  /** Shares of all classes. */
  readonly probabilities: readonly number[];
  /** The loudest value of the spectrogram as the clip came, in dB, at least the front end's floor. */
  readonly level: number;
}
