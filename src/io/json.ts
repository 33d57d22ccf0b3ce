/**
 * @file JSON of files: bounded in depth and number of values before it is parsed, strict about keys, and quoted in
 * messages without end.
 */
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";

/** Objects and lists inside each other, and keys and values in all, that JSON of a file may hold. */
const MAX_DEPTH = 64;
const MAX_VALUES = 2 ** 21;
/** Steps of a path that a message shows. */
const SHOWN_STEPS = 6;

/**
 * Parses JSON that came from a file. Its depth and number of values are counted in the text first, so that neither the
 * parser nor whatever walks the value afterwards can run out of stack or memory.
 *
 * @param text of any length
 * @param file its name for messages
 * @param part which part of the file, such as `plan`; "" for the whole of it
 * @returns the value; records may have a key `__proto__` of their own
 * @throws FormatError naming file, part and key: no JSON, a key twice in one object, too deep, too many values
 */
export function readJson(text: string, file: string, part: string): unknown {
  const fail = (what: string, expected: string, got?: string, hint?: string): FormatError =>
    new FormatError({ op: file, what: part === "" ? what : `${part}: ${what}`, expected, got, hint });
  let twice: string | null;
  let value: unknown;
  try {
    twice = scan(text, (what, most) => {
      throw fail(what, `at most ${most}`, "more", "a limit of the reader");
    });
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const got = cut((error as Error).message, 200);
    throw new FormatError({ op: file, what: `${part} is not JSON`.trim(), expected: "JSON", got });
  }
  if (twice !== null) throw fail(`key ${jsonText(twice)} occurs twice`, "distinct keys");
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

/**
 * Walks over a text that need not be JSON, once: counts its depth and values, and looks for the first key that some
 * object holds twice, of which `JSON.parse` would keep the last silently.
 *
 * @param refuse throws
 * @returns the key, or null; says nothing of what is not JSON
 * @throws SyntaxError on some texts that are not JSON
 */
function scan(text: string, refuse: (what: string, most: string) => void): string | null {
  let values = 1;
  let twice: string | null = null;
  // The last string, or nothing since the last comma or bracket.
  let [from, to] = [0, 0];
  // What is open: the text of its key, or "" inside a list; and the keys of an object.
  const open: { readonly name: string; readonly keys: Set<string> | null }[] = [];
  for (let at = 0; at < text.length; at++) {
    const kind = text[at];
    if (kind === '"') {
      from = at + 1;
      at = to = stringEnd(text, from);
    } else if (kind === "}" || kind === "]") open.pop();
    else if (kind === "," || kind === ":" || kind === "[" || kind === "{") {
      if (++values > MAX_VALUES) refuse("too many values", `${MAX_VALUES}`);
      if (kind === ":") {
        // A string is a key if a colon comes next.
        const raw = text.slice(from, to);
        const key = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
        const keys = open.at(-1)?.keys;
        if (keys?.has(key)) twice ??= key;
        keys?.add(key);
      } else {
        if (kind !== ",")
          open.push({ name: text.slice(from, Math.min(to, from + 60)), keys: kind === "{" ? new Set() : null });
        from = to = 0;
        if (open.length > MAX_DEPTH) {
          const steps = open.flatMap(({ name }) => name || []).slice(0, SHOWN_STEPS);
          const where = steps.length === 0 ? "" : ` at ${cut(steps.join("."), 100)}`;
          refuse(`nested too deep${where}`, `${MAX_DEPTH} levels`);
        }
      }
    }
  }
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
  const list = Array.isArray(value);
  const items: readonly unknown[] = list ? value : Object.keys(value);
  let out = list ? "[" : "{";
  // Each level takes a character of the room, so that the recursion ends.
  for (let i = 0; i < items.length; i++) {
    if (out.length > room) return out;
    if (i > 0) out += ",";
    if (!list) out += `${written(items[i], room - out.length)}:`;
    const item = list ? items[i] : (value as Record<string, unknown>)[items[i] as string];
    if (out.length <= room) out += written(item, room - out.length);
  }
  return out + (list ? "]" : "}");
}
