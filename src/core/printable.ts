/**
 * @file Text of unknown origin made safe to show: control characters as escapes, so that no terminal or reader is led
 * astray. Imports nothing.
 */

// C0 controls but tab and newline, DEL, C1 controls, marks that reorder or hide text (bidirectional overrides and
// isolates, zero-width marks, line separators, the BOM, tag characters), and lone surrogates. ZWJ and ZWNJ stay:
// scripts and emoji need them.
const UNSAFE =
  /[^\P{Cc}\t\n]|[\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Cs}\u{e0000}-\u{e007f}]/gu;
const BREAKS = /[\t\n]/g;

function escapes(found: string): string {
  let out = "";
  for (let i = 0; i < found.length; i++) out += `\\u${found.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return out;
}

/**
 * Text with every character that a terminal would act on, or that hides or reorders what a reader sees, written as
 * `\uXXXX`. Tabs and newlines stay. The text of a JSON document means the same afterwards: such characters stand in its
 * strings alone.
 *
 * @param text of any origin
 * @returns text that is safe on a terminal, in a log and in a message
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, escapes);
}

/** {@link printable} in one line, for names in tables and lists: tabs and newlines are escaped too. */
export function printableLine(text: string): string {
  return printable(text).replace(BREAKS, escapes);
}

/** A text cut to at most `most` characters, with … for what is left out; never inside a surrogate pair. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = (text.charCodeAt(most - 1) & 0xfc00) === 0xd800 ? most - 1 : most;
  return `${text.slice(0, end)}…`;
}

/**
 * JSON as it may stand inside a script element or a JavaScript module: no tag or comment of HTML can begin in it, and
 * every character is printable.
 *
 * @param value plain JSON
 * @returns an expression of JavaScript that is also JSON, and means `value`
 */
export function scriptJson(value: unknown): string {
  return printable(JSON.stringify(value)).replace(/</g, escapes);
}
