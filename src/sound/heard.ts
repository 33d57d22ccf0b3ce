/** @file What a recognizer asks of a model, and what it tells. */
import type { FrontEnd } from "./front-end.js";

/** What is asked of a session: that of `createSession` of `coarsegrad/infer` has it. */
export interface HearingSession {
  readonly plan: { readonly sound?: FrontEnd };
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly classes: readonly string[] | undefined;
  run(input: Uint8Array): Float32Array;
}

/** What was heard in a clip. */
export interface Heard {
  /** Name of the likeliest class, or its number. */
  readonly word: string;
  readonly label: number;
  /** Its share of the softmax. */
  readonly probability: number;
  /** Shares of all classes. */
  readonly probabilities: readonly number[];
  /** The loudest value of the spectrogram, in dB. */
  readonly level: number;
}
