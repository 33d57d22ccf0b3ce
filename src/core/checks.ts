/**
 * @file The vocabulary of checks at public doors: rules as values, one way to refuse, options without unknown names.
 */
import { ArgumentError, DTypeError } from "./errors.js";
import { cut, printable } from "./printable.js";
import { bytesIn, kindOf } from "./typed-arrays.js";

/** What a value must be: null if it is, else the words behind "expected" in the refusal. */
export type Rule = (value: unknown) => string | null;

const rule =
  (expected: string, holds: (value: unknown) => boolean): Rule =>
  (value) =>
    holds(value) ? null : expected;

const isNumber = (value: unknown): value is number => typeof value === "number";

/** Anything at all. */
export const anything: Rule = () => null;
/** A number, also NaN and ±∞. */
export const numeric: Rule = /* @__PURE__ */ rule("a number", isNumber);
/** A finite number. */
export const real: Rule = /* @__PURE__ */ rule("a finite number", (value) => Number.isFinite(value));
/** True or false. */
export const flag: Rule = /* @__PURE__ */ rule("true or false", (value) => typeof value === "boolean");
/** A string. */
export const text: Rule = /* @__PURE__ */ rule("a string", (value) => typeof value === "string");
/** A function. */
export const callable: Rule = /* @__PURE__ */ rule("a function", (value) => typeof value === "function");
/** An object that is no list and no typed array. */
export const record: Rule = /* @__PURE__ */ rule(
  "an object",
  (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value),
);
/** A list: an array of JavaScript's. */
export const list: Rule = /* @__PURE__ */ rule("an array", Array.isArray);
/** Something that `for … of` walks, but no string. */
export const iterable: Rule = /* @__PURE__ */ rule(
  "an array or another iterable",
  (value) => typeof value === "object" && value !== null && typeof (value as never)[Symbol.iterator] === "function",
);
/** A finite number ≥ `min`. */
export function atLeast(min: number): Rule {
  return rule(`a finite number ≥ ${min}`, (value) => Number.isFinite(value) && (value as number) >= min);
}
/** A finite number > `min`. */
export function above(min: number): Rule {
  return rule(`a finite number > ${min}`, (value) => Number.isFinite(value) && (value as number) > min);
}
/** A number in the closed interval [min, max]. */
export function within(min: number, max: number): Rule {
  return rule(`a number in [${min}, ${max}]`, (value) => isNumber(value) && value >= min && value <= max);
}
/** A number in the half-open interval [min, max). */
export function below(min: number, max: number): Rule {
  return rule(`a number in [${min}, ${max})`, (value) => isNumber(value) && value >= min && value < max);
}
/** An integer that a number holds exactly, from `min` to `max`. */
export function integer(min: number = Number.MIN_SAFE_INTEGER, max: number = Number.MAX_SAFE_INTEGER): Rule {
  const range =
    max < Number.MAX_SAFE_INTEGER
      ? `an integer from ${min} to ${max}`
      : min > Number.MIN_SAFE_INTEGER
        ? `an integer ≥ ${min}`
        : "an integer";
  return rule(range, (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max);
}
/** One of some strings or numbers. */
export function oneOf(...choices: readonly (string | number | boolean | null)[]): Rule {
  const last = choices.length - 1;
  const words = choices.map((choice, i) => `${i === 0 ? "" : i === last ? " or " : ", "}${String(choice)}`).join("");
  return rule(words, (value) => (choices as readonly unknown[]).includes(value));
}
/** An instance of a class; `expected` says which in the user's words. */
export function instanceOf(type: abstract new (...args: never[]) => unknown, expected: string): Rule {
  return rule(expected, (value) => value instanceof type);
}
/** What any of `rules` takes. */
export function either(...rules: readonly Rule[]): Rule {
  return (value) => {
    const words = rules.map((each) => each(value));
    return words.includes(null) ? null : words.join(", or ");
  };
}
/** Null, or what `rule` takes. */
export function nullable(rule: Rule): Rule {
  return (value) => (value === null ? null : withNull(rule(value)));
}
const withNull = (words: string | null): string | null => (words === null ? null : `${words}, or null`);
/** A list whose every item is what `rule` takes; `length` asks for so many. */
export function listOf(rule: Rule, length?: number): Rule {
  return (value) => {
    if (Array.isArray(value) && (length === undefined || value.length === length)) {
      // A hole is undefined: `every` would not look at it.
      let words: string | null = null;
      for (let i = 0; i < value.length && words === null; i++) words = rule(value[i]);
      if (words === null) return null;
    }
    return `${length === undefined ? "a list" : `a list of ${length}`}, each ${rule(undefined) ?? "anything"}`;
  };
}

const LONGEST = 60;
/** Entries of a record that are told by name. */
const MOST_ENTRIES = 3;

/** A string in quotes, cut, without characters that a terminal would act on. */
function quoted(value: string): string {
  return printable(JSON.stringify(cut(value, LONGEST)));
}

/** A small record of plain values as it would be written; "an object" for any other. */
function describeRecord(value: object): string {
  const entries = Object.entries(value);
  const isPlain = ([key, held]: [string, unknown]): boolean => /^\w{1,40}$/.test(key) && Object(held) !== held;
  if (entries.length === 0 || entries.length > MOST_ENTRIES || !entries.every(isPlain)) return "an object";
  return `{ ${entries.map(([key, held]) => `${key}: ${describe(held)}`).join(", ")} }`;
}

/** What came, in a few words. Calls nothing of the value's own that may throw. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "bigint":
      return `${value.toString().slice(0, LONGEST)}n`;
    case "symbol":
    case "function":
      return `a ${typeof value}`;
    case "object":
      break;
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
  if (value === null) return "null";
  try {
    if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
    const kind = kindOf(value);
    if (kind !== null) return `${kind} of ${(value as Uint8Array).length}`;
    const { shape, dtype } = value as { shape?: unknown; dtype?: unknown };
    if (typeof dtype === "string" && Array.isArray(shape)) return `${dtype} [${shape.join(",")}]`;
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    return tag === "Object" ? describeRecord(value) : `an object (${quoted(tag).slice(1, -1)})`;
  } catch {
    return "an object";
  }
}

/** Refuses an argument. @throws ArgumentError `op: bad name; expected …, got …; hint` */
export function refuse(op: string, name: string, expected: string, value: unknown, hint?: string): never {
  throw new ArgumentError({ op, what: `bad ${name}`, expected, got: describe(value), hint });
}

/** Asks one rule of one argument. @throws ArgumentError that names both */
export function check(op: string, name: string, value: unknown, rule: Rule, hint?: string): void {
  const expected = rule(value);
  if (expected !== null) refuse(op, name, expected, value, hint);
}

/**
 * The bytes of a file, as every public door takes them: Uint8Array, ArrayBuffer and the like, of any realm.
 *
 * @param op the reader that asks
 * @returns a view on the same memory
 * @throws DTypeError for anything but bytes
 */
export function checkBytes(op: string, name: string, value: unknown): Uint8Array {
  const bytes = bytesIn(value);
  if (bytes !== null) return bytes;
  throw new DTypeError({
    op,
    what: `bad ${name}`,
    expected: "bytes: a Uint8Array or an ArrayBuffer",
    got: describe(value),
  });
}

/** A rule for every option that a function knows: a forgotten one does not compile. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: Rule };

/**
 * Asks the rules of all options that are there, and refuses those that no rule names. An option that is undefined
 * counts as left out; so do all of them if `options` is undefined.
 *
 * @param required names that must be there
 * @throws ArgumentError naming the option, with the nearest known name where it looks like a slip
 */
export function checkOptions<Options extends object>(
  op: string,
  options: Options | undefined,
  rules: OptionRules<Options>,
  required: readonly (keyof Options & string)[] = [],
): void {
  if (options === undefined && required.length === 0) return;
  if (typeof options !== "object" || record(options) !== null) check(op, "options", options, record);
  const known = rules as Readonly<Record<string, Rule>>;
  const own = options as Readonly<Record<string, unknown>>;
  for (const name in own) {
    if (!Object.hasOwn(own, name)) continue;
    if (!Object.hasOwn(known, name)) refuseUnknown(op, name, Object.keys(known));
    if (own[name] !== undefined) check(op, name, own[name], known[name]);
  }
  for (const name of required) {
    if (own[name] === undefined) refuse(op, name, known[name](undefined) ?? "a value", undefined);
  }
}

/** Refuses a name that is not among the known ones. @throws ArgumentError */
export function refuseUnknown(op: string, name: string, known: readonly string[], kind = "option"): never {
  const slip = nearest(name, known);
  throw new ArgumentError({
    op,
    what: `unknown ${kind}`,
    expected: known.length === 0 ? "none" : known.join(", "),
    got: quoted(name).slice(1, -1),
    hint: slip === null ? undefined : `did you mean ${slip}?`,
  });
}

/**
 * The known name that begins and ends most as this one does, whatever case and dashes, neighbours swapped; null if none
 * does for more than half of its letters.
 */
export function nearest(name: string, known: readonly string[]): string | null {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, "").slice(0, LONGEST);
  const own = plain(name);
  let best: string | null = null;
  let most = 0;
  for (const candidate of known) {
    const other = plain(candidate);
    const shorter = Math.min(own.length, other.length);
    let head = 0;
    while (head < shorter && own[head] === other[head]) head++;
    if (own[head] === other[head + 1] && own[head + 1] === other[head]) head += 2;
    let tail = 0;
    while (tail < shorter - head && own.at(-1 - tail) === other.at(-1 - tail)) tail++;
    if (head + tail > most && 2 * (head + tail) > shorter) [best, most] = [candidate, head + tail];
  }
  return best;
}
