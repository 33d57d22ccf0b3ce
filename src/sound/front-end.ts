/** @file The front end of a network that hears: from samples to the picture that it is fed, as plain JSON. */
import { checkOptions, integer, type OptionRules, oneOf, real, record, refuse } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { SOUND_RATES } from "../io/wav.js";

/** How a spectrogram is made; it stands in packed models beside the network. */
export interface FrontEnd {
  /** Samples a second. */
  readonly rate: number;
  /** Samples of a frame, behind a Hann window; the transform has the next power of two. */
  readonly window: number;
  /** Samples from one frame to the next. */
  readonly hop: number;
  /** Frames of a clip. */
  readonly frames: number;
  /** Mel bands. */
  readonly bands: number;
  /**
   * `htk`: 2595·log10(1 + f/700), triangles of height 1; `slaney`: linear below 1000 Hz and logarithmic above,
   * triangles of area 1, as in Slaney's Auditory Toolbox.
   */
  readonly scale: "htk" | "slaney";
  /** Hz at which the lowest band begins; the highest ends at `high`. */
  readonly low: number;
  /** Hz at which the highest band ends. */
  readonly high: number;
  /** Level of code 0, in dB; that of code 255 is `top`, and between them codes are equally far apart. */
  readonly floor: number;
  /** Level of code 255, in dB. */
  readonly top: number;
  /**
   * Level that the loudest value of each clip is brought to, in dB, so that codes do not tell how loud it was; silence
   * stays. Without it louder sound has higher codes.
   */
  readonly level?: number;
}

const RULES: OptionRules<FrontEnd> = {
  rate: integer(...SOUND_RATES),
  window: integer(4, 2 ** 16),
  hop: integer(1, 2 ** 16),
  frames: integer(1, 2 ** 12),
  bands: integer(1, 512),
  scale: oneOf("htk", "slaney"),
  low: real,
  high: real,
  floor: real,
  top: real,
  level: real,
};
const NAMES = (Object.keys(RULES) as (keyof FrontEnd)[]).filter((name) => name !== "level");

/** Refuses what is no front end. @throws ArgumentError */
export function checkFrontEnd(op: string, front: FrontEnd): void {
  checkOptions<FrontEnd>(op, front, RULES, NAMES);
  const { low, high, rate, floor, top, level = top } = front;
  if (!(low >= 0 && low < high && high <= rate / 2))
    refuse(op, "low, high", `0 ≤ low < high ≤ ${rate / 2}`, [low, high]);
  if (!(floor < top)) refuse(op, "floor, top", "floor < top", [floor, top]);
  if (!(floor < level && level <= top)) refuse(op, "level", `more than ${floor}, at most ${top}`, level);
}

/** What is wrong with a front end, or null: for JSON. */
export function frontEndRule(value: unknown): string | null {
  if (record(value) !== null) return "a front end";
  try {
    checkFrontEnd("sound", value as FrontEnd);
    return null;
  } catch (error) {
    return `a front end (${(error as Error).message})`;
  }
}

/** A front end out of a file's JSON. @throws FormatError that names the file */
export function parseFrontEnd(value: unknown, file: string): FrontEnd {
  const expected = frontEndRule(value);
  if (expected === null) return value as FrontEnd;
  throw new FormatError({ op: file, what: "bad sound", expected, got: JSON.stringify(value) ?? "nothing" });
}

/** Samples of a clip: window + (frames − 1)·hop. @throws ArgumentError for what is no front end */
export function clipLength(front: FrontEnd): number {
  checkFrontEnd("clipLength", front);
  const { window, hop, frames } = front;
  return window + (frames - 1) * hop;
}
