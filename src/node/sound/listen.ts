/** @file Recordings as pictures in memory: read, brought to the front end's rate, cut to clips. */
import { FormatError } from "../../core/errors.js";
import { type ImageDataset, imageDataset } from "../../data/dataset.js";
import { readWav } from "../../io/wav.js";
import type { FrontEnd } from "../../sound/front-end.js";
import { LogMel } from "../../sound/log-mel.js";
import { resample } from "../../sound/resample.js";

/** A recording that is read when its turn comes. */
export interface Recording {
  /** For messages. */
  readonly file: string;
  readonly label: number;
  read(): Uint8Array | Promise<Uint8Array>;
}

/** Samples of a WAV file at a rate. @throws FormatError if it is none, or has no sample */
export function samplesOf(bytes: Uint8Array, file: string, rate: number): Float32Array {
  const sound = readWav(bytes, file);
  if (sound.samples.length === 0) {
    throw new FormatError({ op: file, what: "no sound", expected: "at least one sample", got: "none" });
  }
  return resample(sound.samples, sound.rate, rate);
}

/**
 * Clips of recordings, [count, frames, bands, 1].
 *
 * @param about name, classes and their names
 * @throws FormatError on what is no WAV file
 */
export async function heard(
  about: Pick<ImageDataset, "name" | "classes" | "classNames">,
  recordings: readonly Recording[],
  front: FrontEnd,
): Promise<ImageDataset> {
  const ear = new LogMel(front);
  const size = front.frames * front.bands;
  const images = new Uint8Array(recordings.length * size);
  for (const [n, { file, read }] of recordings.entries()) {
    images.set(ear.clip(samplesOf(await read(), file, front.rate)), n * size);
  }
  const labels = Int32Array.from(recordings, ({ label }) => label);
  return imageDataset({ ...about, shape: [front.frames, front.bands, 1], images, labels });
}
