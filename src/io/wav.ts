/** @file WAV, RIFF files of sound: whole numbers of 8 to 32 bits and floats, mixed down to one channel. Bytes in, samples out. */
import { anything, check, checkOptions, integer, listOf, oneOf, refuse } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import { bytesOf, elementsOf } from "./doors.js";

/** How samples are kept in a file. */
export type WavEncoding = "pcm8" | "pcm16" | "pcm24" | "pcm32" | "float32" | "float64";

/** Contents of a WAV file. */
export interface WavFile {
  /** Samples a second. */
  readonly rate: number;
  /** Channels of the file. */
  readonly channels: number;
  /** How they are kept there. */
  readonly encoding: WavEncoding;
  /** The mean of the channels; full scale is −1 … 1. The caller owns it. */
  readonly samples: Float32Array;
}

/** Choices of {@link readWav}. */
export interface WavLimits {
  /** Samples of all channels together; files that hold more are refused before any is made. Default 2^28. */
  readonly maxSamples?: number;
}

interface Encoding {
  readonly bytes: number;
  get(view: DataView, at: number): number;
  set(view: DataView, at: number, value: number): void;
}

/** The nearest whole number of so many bits, the half away from −∞. */
function whole(value: number, bits: number): number {
  const top = 2 ** (bits - 1);
  return Math.max(-top, Math.min(top - 1, Math.floor(value * top + 0.5)));
}

const ENCODINGS: Readonly<Record<WavEncoding, Encoding>> = {
  pcm8: {
    bytes: 1,
    get: (v, at) => (v.getUint8(at) - 128) / 128,
    set: (v, at, x) => v.setUint8(at, 128 + whole(x, 8)),
  },
  pcm16: {
    bytes: 2,
    get: (v, at) => v.getInt16(at, true) / 2 ** 15,
    set: (v, at, x) => v.setInt16(at, whole(x, 16), true),
  },
  pcm24: {
    bytes: 3,
    get: (v, at) => (v.getUint8(at) + 256 * v.getInt16(at + 1, true)) / 2 ** 23,
    set(v, at, x) {
      const code = whole(x, 24);
      v.setUint8(at, code & 255);
      v.setInt16(at + 1, code >> 8, true);
    },
  },
  pcm32: {
    bytes: 4,
    get: (v, at) => v.getInt32(at, true) / 2 ** 31,
    set: (v, at, x) => v.setInt32(at, whole(x, 32), true),
  },
  float32: { bytes: 4, get: (v, at) => v.getFloat32(at, true), set: (v, at, x) => v.setFloat32(at, x, true) },
  float64: { bytes: 8, get: (v, at) => v.getFloat64(at, true), set: (v, at, x) => v.setFloat64(at, x, true) },
};
const NAMES = Object.keys(ENCODINGS) as WavEncoding[];

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
/** The last 14 bytes of the sub-format of WAVE_FORMAT_EXTENSIBLE; the tag stands before them. */
const GUID_TAIL = "000000001000800000aa00389b71";
/** Other formats by their tag, for messages. */
const OTHERS: Readonly<Record<number, string>> = { 2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 85: "MP3" };

/** Rates from which and to which sound is read, written and resampled. */
export const SOUND_RATES = [1000, 768_000] as const;
const MAX_CHANNELS = 32;
/** Writers that do not know how much they will write leave this as a chunk's size. */
const UNKNOWN_SIZE = 0xffffffff;
const MAX_SAMPLES = 2 ** 28;

type Fail = (what: string, expected: string, got: string, hint?: string) => never;

interface Chunk {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The chunks of a RIFF file; sizes are those that it has. */
function chunksOf(bytes: Uint8Array, view: DataView, fail: Fail): Chunk[] {
  const name = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12) fail("truncated WAV file", "at least 44 bytes", `${bytes.length}`);
  if (name(0) !== "RIFF" || name(8) !== "WAVE") {
    const hint = name(0) === "RIFX" || name(0) === "RF64" ? `${name(0)} files are not read` : undefined;
    fail("not a WAV file", '"RIFF", a size, "WAVE"', JSON.stringify(name(0) + name(8)), hint);
  }
  const size = view.getUint32(4, true);
  if (size !== UNKNOWN_SIZE && size + 8 !== bytes.length) {
    fail("WAV file of another length", `${size + 8} bytes, as its header says`, `${bytes.length}`);
  }
  const chunks: Chunk[] = [];
  for (let at = 12; at < bytes.length; ) {
    if (at + 8 > bytes.length) fail("truncated chunk", `8 bytes at ${at}`, `${bytes.length - at}`);
    const stated = view.getUint32(at + 4, true);
    const start = at + 8;
    const open = stated === UNKNOWN_SIZE && size === UNKNOWN_SIZE && name(at) === "data";
    const end = open ? bytes.length : start + stated;
    if (end > bytes.length) {
      fail(`truncated chunk ${JSON.stringify(name(at))}`, `${stated} bytes`, `${bytes.length - start}`);
    }
    chunks.push({ name: name(at), start, end });
    // Chunks begin at even places; the pad byte of the last is not always there.
    at = end + (stated % 2);
  }
  return chunks;
}

interface Format {
  readonly encoding: WavEncoding;
  readonly channels: number;
  readonly rate: number;
}

function formatOf(bytes: Uint8Array, view: DataView, { start, end }: Chunk, fail: Fail): Format {
  if (end - start < 16) fail("truncated fmt chunk", "at least 16 bytes", `${end - start}`);
  let tag = view.getUint16(start, true);
  const [channels, rate] = [view.getUint16(start + 2, true), view.getUint32(start + 4, true)];
  const [block, bits] = [view.getUint16(start + 12, true), view.getUint16(start + 14, true)];
  if (tag === EXTENSIBLE) {
    if (end - start < 40) fail("truncated fmt chunk", "40 bytes of WAVE_FORMAT_EXTENSIBLE", `${end - start}`);
    tag = view.getUint16(start + 24, true);
    const tail = Array.from(bytes.subarray(start + 26, start + 40), (byte) => byte.toString(16).padStart(2, "0"));
    if (tail.join("") !== GUID_TAIL) fail("unknown sub-format", "PCM or IEEE float", tail.join(""));
  }
  const encoding = `${tag === PCM ? "pcm" : tag === FLOAT ? "float" : "?"}${bits}` as WavEncoding;
  if (!NAMES.includes(encoding)) {
    const what = tag === PCM ? "PCM" : tag === FLOAT ? "IEEE float" : (OTHERS[tag] ?? `format ${tag}`);
    fail("samples of another kind", "PCM of 8, 16, 24 or 32 bits, IEEE float of 32 or 64", `${what} of ${bits} bits`);
  }
  if (channels < 1 || channels > MAX_CHANNELS) fail("number of channels", `1 to ${MAX_CHANNELS}`, `${channels}`);
  const [least, most] = SOUND_RATES;
  if (rate < least || rate > most) fail("sample rate", `${least} to ${most}`, `${rate}`);
  const wanted = channels * ENCODINGS[encoding].bytes;
  if (block !== wanted) fail("bytes of a sample of all channels", `${wanted}`, `${block}`);
  return { encoding, channels, rate };
}

/**
 * Reads a WAV file: RIFF with PCM of 8, 16, 24 or 32 bits or IEEE floats of 32 or 64, also as WAVE_FORMAT_EXTENSIBLE.
 * Channels are mixed down: the mean, computed in f64 and rounded to f32 once. Other chunks are passed over. Files of
 * writers that did not know their length (sizes of 2^32 − 1) are read to the end.
 *
 * @param bytes the whole file
 * @param file name for error messages
 * @param limits `maxSamples` 2^28
 * @returns rate and samples
 * @throws FormatError on what is no such file, or is cut short; samples that are not finite; more than the limit
 */
export function readWav(bytes: Uint8Array, file = "wav", limits: WavLimits = {}): WavFile {
  bytes = bytesOf("readWav", bytes, file);
  checkOptions<WavLimits>("readWav", limits, { maxSamples: integer(1) });
  const { maxSamples = MAX_SAMPLES } = limits;
  const fail: Fail = (what, expected, got, hint) => {
    throw new FormatError({ op: file, what, expected, got, hint });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = chunksOf(bytes, view, fail);
  const one = (name: string): Chunk => {
    const found = chunks.filter((chunk) => chunk.name === name);
    if (found.length !== 1) fail("not one sound", `one chunk ${JSON.stringify(name)}`, `${found.length}`);
    return found[0];
  };
  const { encoding, channels, rate } = formatOf(bytes, view, one("fmt "), fail);
  const { start, end } = one("data");
  const kind = ENCODINGS[encoding];
  const block = channels * kind.bytes;
  if ((end - start) % block !== 0) {
    fail("sound that ends within a sample", `a multiple of ${block} bytes`, `${end - start}`);
  }
  const count = (end - start) / block;
  if (count * channels > maxSamples) {
    fail("more samples than are read", `at most ${maxSamples}`, `${count * channels}`, "a limit of the reader");
  }
  const samples = new Float32Array(count);
  for (let n = 0, at = start; n < count; n++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, at += kind.bytes) sum += kind.get(view, at);
    samples[n] = sum / channels;
    if (!Number.isFinite(samples[n])) fail(`sample ${n}`, "a finite number", `${samples[n]}`);
  }
  return { rate, channels, encoding, samples };
}

/** Choices of {@link writeWav}. */
export interface WavOptions {
  /** Default `pcm16`. */
  readonly encoding?: WavEncoding;
}

/**
 * Writes a WAV file. Whole numbers are rounded to the nearest, the half up; beyond full scale they stay at its end.
 *
 * @param samples one channel, or a list of channels of one length; full scale is −1 … 1
 * @param rate samples a second
 * @returns the file, which the caller owns
 * @throws ArgumentError, DTypeError for what is no sound
 */
export function writeWav(
  samples: Float32Array | readonly Float32Array[],
  rate: number,
  options: WavOptions = {},
): Uint8Array {
  const op = "writeWav";
  check(op, "rate", rate, integer(...SOUND_RATES));
  checkOptions<WavOptions>(op, options, { encoding: oneOf(...NAMES) });
  const { encoding = "pcm16" } = options;
  const list = kindOf(samples) === null ? samples : [samples];
  check(op, "samples", list, listOf(anything));
  const channels = (list as readonly Float32Array[]).map((each) =>
    elementsOf<Float32Array>(op, each, ["Float32Array"]),
  );
  const count = channels[0]?.length ?? 0;
  if (channels.length < 1 || channels.length > MAX_CHANNELS || channels.some(({ length }) => length !== count))
    refuse(op, "samples", `1 to ${MAX_CHANNELS} channels of one length`, samples);
  const kind = ENCODINGS[encoding];
  const block = kind.bytes * channels.length;
  const size = count * block;
  if (size > UNKNOWN_SIZE - 64) refuse(op, "samples", "less than 4 GiB", samples);
  const out = new Uint8Array(44 + size + (size % 2));
  const view = new DataView(out.buffer);
  const text = (at: number, word: string): void =>
    out.set(
      Uint8Array.from(word, (c) => c.charCodeAt(0)),
      at,
    );
  text(0, "RIFF");
  view.setUint32(4, out.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, encoding.startsWith("float") ? FLOAT : PCM, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * block, true);
  view.setUint16(32, block, true);
  view.setUint16(34, 8 * kind.bytes, true);
  text(36, "data");
  view.setUint32(40, size, true);
  let at = 44;
  for (let n = 0; n < count; n++) {
    for (const channel of channels) {
      if (!Number.isFinite(channel[n])) refuse(op, `sample ${n}`, "a finite number", channel[n]);
      kind.set(view, at, channel[n]);
      at += kind.bytes;
    }
  }
  return out;
}
