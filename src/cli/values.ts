/** @file Readers of option values. Each refuses what it does not understand and says what it takes. */
import { quoted, UsageError, unknownWord } from "./failure.js";

/** Ends of a range; `above` and `below` are open ends. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

function boundsText(bounds: Bounds, noun: string): string {
  const parts = [
    bounds.min === undefined ? "" : `at least ${bounds.min}`,
    bounds.above === undefined ? "" : `above ${bounds.above}`,
    bounds.max === undefined ? "" : `at most ${bounds.max}`,
    bounds.below === undefined ? "" : `below ${bounds.below}`,
  ].filter(Boolean);
  return parts.length === 0 ? noun : `${noun}, ${parts.join(" and ")}`;
}

function inside(value: number, { min, max, above, below }: Bounds): boolean {
  return (
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

/** A reader of real numbers within bounds. */
export function realNumber(option: string, bounds: Bounds = {}): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(value) && inside(value, bounds)) return value;
    throw new UsageError({
      op: option,
      what: Number.isFinite(value) ? "out of range" : "not a number",
      expected: boundsText(bounds, "a number"),
      got: quoted(text),
    });
  };
}

/** A reader of whole numbers within bounds. */
export function wholeNumber(option: string, bounds: Bounds = {}): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && inside(value, bounds)) return value;
    throw new UsageError({
      op: option,
      what: Number.isFinite(Number(text)) && text.trim() !== "" ? "out of range" : "not a whole number",
      expected: boundsText(bounds, "a whole number"),
      got: quoted(text),
    });
  };
}

/** A reader of one word out of a list. */
export function oneOf<T extends string>(option: string, accepted: readonly T[]): (text: string) => T {
  return (text) => {
    const found = accepted.find((word) => word === text);
    if (found !== undefined) return found;
    throw unknownWord(option, "unknown value", text, accepted);
  };
}

/** A reader of a comma-separated list of words, blanks ignored. */
export function wordList(option: string): (text: string) => string[] {
  return (text) => {
    const words = text
      .split(",")
      .map((word) => word.trim())
      .filter(Boolean);
    if (words.length > 0) return words;
    throw new UsageError({ op: option, what: "empty list", expected: "names separated by commas", got: quoted(text) });
  };
}

/** A reader of a comma-separated list of ascending whole numbers, at least `min`. */
export function numberList(option: string, min: number): (text: string) => number[] {
  const read = wholeNumber(option, { min });
  return (text) => {
    const values = wordList(option)(text).map(read);
    if (values.every((value, i) => i === 0 || value > values[i - 1])) return values;
    throw new UsageError({ op: option, what: "not ascending", expected: "ascending numbers", got: quoted(text) });
  };
}
