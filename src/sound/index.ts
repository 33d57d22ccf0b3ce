/** @file Sound: WAV files, other rates, spectrograms in mel bands, and networks that hear words. For pages too. */
export { readWav, type WavEncoding, type WavFile, type WavLimits, type WavOptions, writeWav } from "../io/wav.js";
export { clipLength, type FrontEnd } from "./front-end.js";
export { SPEECH_8K, SPEECH_16K } from "./front-ends.js";
export type { Heard, HearingSession } from "./heard.js";
export type { Decision, Listener, ListenerOptions } from "./listener.js";
export { clipOf, LogMel } from "./log-mel.js";
export { type Recognizer, recognizer } from "./recognizer.js";
export { resample } from "./resample.js";
