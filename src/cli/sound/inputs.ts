/** @file Sound on the command line: WAV files as pictures for a model that hears, and raw sound on standard input. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { DataError } from "../../core/errors.js";
import { isFolder, readFileBytes } from "../../node/files.js";
import { samplesOf } from "../../node/sound/listen.js";
import { type FrontEnd, parseFrontEnd } from "../../sound/front-end.js";
import type { HearingSession } from "../../sound/heard.js";
import type { Decision } from "../../sound/listener.js";
import { LogMel } from "../../sound/log-mel.js";
import { recognizer } from "../../sound/recognizer.js";

/** Bytes of a WAV file. */
const MOST_BYTES = 2 ** 28;

async function soundFiles(at: string): Promise<string[]> {
  if (!(await isFolder(at))) return [at];
  const names = (await readdir(at)).filter((name) => !name.startsWith(".") && /\.wav$/i.test(name));
  if (names.length === 0)
    throw new DataError({ op: at, what: "no sound in this folder", expected: ".wav", got: "none" });
  return names.sort().map((name) => path.join(at, name));
}

/** A WAV file as the model is fed it. */
export interface SoundInput {
  readonly name: string;
  readonly pixels: Uint8Array;
}

/**
 * WAV files, and those of folders, as pictures.
 * @param model name of the model, for messages
 * @throws DataError, FormatError
 */
export async function soundInputs(
  sound: FrontEnd,
  model: string,
  places: readonly string[],
  limit: number | undefined,
): Promise<SoundInput[]> {
  const ear = new LogMel(parseFrontEnd(sound, model));
  const files = (await Promise.all(places.map(soundFiles))).flat().slice(0, limit);
  const inputs: SoundInput[] = [];
  for (const name of files) {
    const samples = samplesOf(await readFileBytes(name, { maxBytes: MOST_BYTES }), name, ear.front.rate);
    inputs.push({ name, pixels: ear.clip(samples) });
  }
  return inputs;
}

/** Samples of raw sound, 16 bits each, little-endian, one channel; pieces may end within a sample. */
export async function* rawSamples(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Float32Array> {
  let rest: number | undefined;
  for await (const piece of pieces) {
    const bytes = rest === undefined ? piece : Uint8Array.of(rest, ...piece);
    const whole = bytes.length - (bytes.length % 2);
    rest = whole < bytes.length ? bytes[whole] : undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, whole);
    yield Float32Array.from({ length: whole / 2 }, (_, n) => view.getInt16(2 * n, true) / 2 ** 15);
  }
}

/** A word of a stream. */
export interface Word {
  /** Seconds of sound until it was heard. */
  readonly time: number;
  readonly word: string;
  readonly probability: number;
}

/** Words of a stream: each once, when two decisions in a row agree on it, and again after something else was heard. */
export async function* wordsOf(
  session: HearingSession,
  pieces: AsyncIterable<Uint8Array>,
  rate: number | undefined,
): AsyncGenerator<Word> {
  const listener = recognizer(session).listen({ rate });
  let before: string | null = null;
  let told: string | null = null;
  for await (const samples of rawSamples(pieces)) {
    for (const { word, time, probability } of listener.push(samples) as Decision[]) {
      if (word !== null && word === before && word !== told) yield { time, word, probability };
      if (word === before) told = word;
      before = word;
    }
  }
}
