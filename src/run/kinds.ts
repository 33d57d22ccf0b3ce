/** @file Kinds of settings: each reads its text, writes it, and says what its JSON may be. */
import { type Rule, record } from "../core/checks.js";
import { quoted, UsageError, unknownWord } from "./usage-error.js";

/** What a setting may be. */
export interface Kind<T> {
  /**
   * The value that a text on the command line stands for.
   * @throws UsageError that names the option and what it takes
   */
  read(text: string, option: string): T;
  /** What a value has to be, in JSON and in scripts. */
  readonly rule: Rule;
  /** The inverse of `read`. */
  write(value: T): string;
  /** Of a list: what an option that is given again adds to it. Of other kinds the last word counts. */
  readonly join?: (before: T, own: T) => T;
}

/** Ends of a range; `above` and `below` are open ends. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

function boundsText({ min, max, above, below }: Bounds, noun: string): string {
  const parts = [
    min === undefined ? "" : `at least ${min}`,
    above === undefined ? "" : `above ${above}`,
    max === undefined ? "" : `at most ${max}`,
    below === undefined ? "" : `below ${below}`,
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

function numberKind(
  noun: string,
  bounds: Bounds,
  parse: (text: string) => number,
  good: (value: unknown) => boolean,
  write: (value: number) => string,
) {
  const expected = boundsText(bounds, noun);
  const kind: Kind<number> = {
    read(text, option) {
      const value = parse(text);
      if (good(value) && inside(value, bounds)) return value;
      const what = Number.isFinite(Number(text)) && text.trim() !== "" ? "out of range" : `not ${noun}`;
      throw new UsageError({ op: option, what, expected, got: quoted(text) });
    },
    rule: (value) => (good(value) && inside(value as number, bounds) ? null : expected),
    write,
  };
  return kind;
}

/** The shorter of a number's two texts, such as 1e-5 and not 0.00001. */
function shortest(value: number): string {
  const [plain, scientific] = [`${value}`, value.toExponential()];
  return scientific.length < plain.length ? scientific : plain;
}

/** Real numbers within bounds. */
export function real(bounds: Bounds = {}): Kind<number> {
  const parse = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text));
  return numberKind("a number", bounds, parse, Number.isFinite, shortest);
}

/** Whole numbers within bounds. */
export function whole(bounds: Bounds = {}): Kind<number> {
  const parse = (text: string): number => (/^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN);
  // All digits: an exponent is no whole number to `read`.
  return numberKind("a whole number", bounds, parse, Number.isSafeInteger, (value) => `${value}`);
}

/** One word out of a list. */
export function choice<const T extends string>(words: readonly T[], what = "unknown value"): Kind<T> {
  return {
    read(text, option) {
      const word = words.find((each) => each === text);
      if (word !== undefined) return word;
      throw unknownWord(option, what, text, words);
    },
    rule: (value) => ((words as readonly unknown[]).includes(value) ? null : words.join(", ")),
    write: (value) => value,
  };
}

/** Names separated by commas, blanks ignored; at least one. */
export const someNames: Kind<readonly string[]> = {
  read(text, option) {
    const words = text
      .split(",")
      .map((word) => word.trim())
      .filter(Boolean);
    if (words.length === 0) {
      throw new UsageError({
        op: option,
        what: "empty list",
        expected: "names separated by commas",
        got: quoted(text),
      });
    }
    return words;
  },
  rule: (value) => (Array.isArray(value) && value.every((word) => typeof word === "string") ? null : "a list of names"),
  write: (words) => words.join(","),
  join: (before, own) => [...new Set([...before, ...own])],
};

/** Names separated by commas, blanks ignored; `none` stands for no name. */
export const names: Kind<readonly string[]> = {
  ...someNames,
  read: (text, option) => (text === "none" ? [] : someNames.read(text, option)),
  write: (words) => (words.length === 0 ? "none" : someNames.write(words)),
};

/** Any text: names of files and folders. */
export const text: Kind<string> = {
  read: (word) => word,
  rule: (value) => (typeof value === "string" ? null : "a string"),
  write: (word) => word,
};

/** An option without a value. */
export const flag: Kind<boolean> = {
  read: () => true,
  rule: (value) => (typeof value === "boolean" ? null : "true or false"),
  write: () => "",
};

/** Null too; no text stands for it. */
export function orNull<T>(kind: Kind<T>): Kind<T | null> {
  const { join } = kind;
  return {
    read: kind.read,
    rule: (value) => (value === null || kind.rule(value) === null ? null : `${kind.rule(value)}, or null`),
    write: (value) => (value === null ? "" : kind.write(value)),
    ...(join !== undefined && {
      join: (before: T | null, own: T | null) => (before === null || own === null ? own : join(before, own)),
    }),
  };
}

/**
 * An object of fields that may be missing, each what its rule says. The first rule's field must be there.
 *
 * @param others whether it may have more
 */
export function objectOf(rules: Readonly<Record<string, Rule>>, others = false): Rule {
  return (value) => {
    const words = record(value);
    if (words !== null) return words;
    const own = value as Readonly<Record<string, unknown>>;
    if (!others && Object.keys(own).some((name) => !Object.hasOwn(rules, name)))
      return `no other fields than ${Object.keys(rules).join(", ")}`;
    for (const [i, [name, rule]] of Object.entries(rules).entries()) {
      const field = Object.hasOwn(own, name) ? own[name] : undefined;
      const expected = field === undefined && i > 0 ? null : rule(field);
      if (expected !== null) return `${name}: ${expected}`;
    }
    return null;
  };
}
