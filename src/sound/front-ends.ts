/** @file Front ends for speech, as data sets of sound use them. */
import type { FrontEnd } from "./front-end.js";

/** A second of telephone speech: 49 frames of 32 ms every 20 ms, 20 bands from 60 to 3800 Hz. */
export const SPEECH_8K: FrontEnd = {
  rate: 8000,
  window: 256,
  hop: 160,
  frames: 49,
  bands: 20,
  scale: "htk",
  low: 60,
  high: 3800,
  floor: -95,
  top: -15,
};

/** The same at 16,000 samples a second: 32 bands from 60 to 7600 Hz. */
export const SPEECH_16K: FrontEnd = { ...SPEECH_8K, rate: 16_000, window: 512, hop: 320, bands: 32, high: 7600 };

/** A front end that brings every clip's loudest value to its top, and hears `range` dB below it. */
export function levelled(front: FrontEnd, range: number): FrontEnd {
  return { ...front, floor: front.top - range, level: front.top };
}
