/** @file JSON of files: bounded in depth and number of values before it is parsed, strict about keys, and quoted in messages without end. */
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";

/** What JSON of a file may hold. */
export interface JsonLimits {
  /** Objects and lists inside each other. @default 64 */
  readonly depth?: number;
  /** Keys and values in all. @default 2^21 */
  readonly values?: number;
}

const MAX_DEPTH = 64;
const MAX_VALUES = 2 ** 21;
/** Steps of a path that a message shows. */
const SHOWN_STEPS = 6;

/**
 * Parses JSON that came from a file. Its depth and number of values are counted in the text first, so that neither the parser nor whatever walks the
 * value afterwards can run out of stack or memory.
 *
 * @param text of any length
 * @param file its name for messages
 * @param what which part of the file, such as `plan`; "" for the whole of it
 * @returns the value; records may have a key `__proto__` of their own
 * @throws FormatError naming file, part and key: no JSON, a key twice in one object, too deep, too many values
 */
export function readJson(text: string, file: string, what: string, limits: JsonLimits = {}): unknown {
  const part = what === "" ? "" : `${what}: `;
  measure(text, limits, (problem, expected, got) => {
    throw new FormatError({ op: file, what: `${part}${problem}`, expected, got, hint: "a limit of the reader" });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const got = cut((error as Error).message, 200);
    throw new FormatError({
      op: file,
      what: what === "" ? "is not JSON" : `${what} is not JSON`,
      expected: "JSON",
      got,
    });
  }
  const twice = duplicateKey(text);
  if (twice !== null) {
    throw new FormatError({ op: file, what: `${part}key ${jsonText(twice)} occurs twice`, expected: "distinct keys" });
  }
  return value;
}

/** Index of the quote that ends the string whose contents begin at `from`; the text's length if none does. */
function stringEnd(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (before > from && text[before - 1] === "\\") before--;
    // An odd number of backslashes escapes the quote. Each is looked at once: the next quote lies behind them.
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}

/** Calls `visit` for each string (with where its contents begin and end) and each of `{ } [ ] : ,` outside strings. Linear in the text. */
function tokens(text: string, visit: (kind: string, from: number, to: number) => void): void {
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const end = stringEnd(text, at + 1);
        visit('"', at + 1, end);
        at = end;
        break;
      }
      case 0x2c: // ,
      case 0x3a: // :
      case 0x5b: // [
      case 0x5d: // ]
      case 0x7b: // {
      case 0x7d: // }
        visit(text[at], at, at + 1);
    }
  }
}

/** Counts depth and values of a text that need not be JSON; `refuse` throws. */
function measure(
  text: string,
  { depth = MAX_DEPTH, values = MAX_VALUES }: JsonLimits,
  refuse: (problem: string, expected: string, got: string) => void,
): void {
  let count = 1;
  let [keyFrom, keyTo] = [0, 0];
  // Where each open object or list stands: the text of its key, or "" inside a list.
  const path: string[] = [];
  tokens(text, (kind, from, to) => {
    if (kind === '"') [keyFrom, keyTo] = [from, to];
    else if (kind === "{" || kind === "[") {
      path.push(text.slice(keyFrom, Math.min(keyTo, keyFrom + 60)));
      [keyFrom, keyTo] = [0, 0];
      if (path.length > depth) {
        const steps = path.filter((step) => step !== "").slice(0, SHOWN_STEPS);
        const where = steps.length === 0 ? "" : ` at ${cut(steps.join("."), 100)}`;
        refuse(`nested too deep${where}`, `at most ${depth} levels`, "more");
      }
    } else if (kind === "}" || kind === "]") path.pop();
    if (kind === "," || kind === ":" || kind === "[" || kind === "{") {
      if (kind === ",") [keyFrom, keyTo] = [0, 0];
      if (++count > values) refuse("too many values", `at most ${values}`, "more");
    }
  });
}

/**
 * The first key that some object of a JSON text holds twice, or null. `JSON.parse` keeps the last silently.
 * @param text a text that `JSON.parse` accepts
 */
export function duplicateKey(text: string): string | null {
  const scopes: (Set<string> | null)[] = [];
  let [from, to] = [0, 0];
  let twice: string | null = null;
  tokens(text, (kind, begin, end) => {
    if (kind === "{") scopes.push(new Set());
    else if (kind === "[") scopes.push(null);
    else if (kind === "}" || kind === "]") scopes.pop();
    else if (kind === '"') [from, to] = [begin, end];
    else if (kind === ":") {
      // A string is a key if a colon comes next.
      const raw = text.slice(from, to);
      const key = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
      const keys = scopes[scopes.length - 1];
      if (keys?.has(key)) twice ??= key;
      keys?.add(key);
    }
  });
  return twice;
}

/** True for objects that are neither null nor arrays. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A value as JSON for messages, cut. Never walks deeper or longer than it shows.
 *
 * @param value plain JSON; undefined is "nothing"
 * @param most characters
 */
export function jsonText(value: unknown, most = 60): string {
  return value === undefined ? "nothing" : cut(written(value, most), most);
}

function written(value: unknown, room: number): string {
  if (typeof value === "string") return JSON.stringify(cut(value, Math.max(1, room)));
  if (typeof value !== "object" || value === null) return `${JSON.stringify(value)}`;
  const keys = Array.isArray(value) ? null : Object.keys(value);
  const items = keys === null ? (value as readonly unknown[]) : keys;
  let out = keys === null ? "[" : "{";
  // Each level takes a character of the room, so that the recursion ends.
  for (let i = 0; i < items.length; i++) {
    if (out.length > room) return out;
    if (i > 0) out += ",";
    if (keys === null) out += written(items[i], room - out.length);
    else {
      out += `${written(keys[i], room - out.length)}:`;
      if (out.length <= room) out += written((value as Record<string, unknown>)[keys[i]], room - out.length);
    }
  }
  return out + (keys === null ? "]" : "}");
}
