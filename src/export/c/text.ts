/** @file Text of C: names, comments, strings and numbers, from whatever a model holds. */
import { ArgumentError } from "../../core/errors.js";

/** Headers that a file of that name would hide. */
const HEADERS: readonly string[] = [
  "assert",
  "float",
  "limits",
  "math",
  "stddef",
  "stdint",
  "stdio",
  "stdlib",
  "string",
];
/** Longest name: two long ones have to differ within 31 characters on old linkers. */
const LONGEST = 40;

/** True if a text can begin the names of a model's functions, and those of its files. */
export function isCName(name: string): boolean {
  return name.length <= LONGEST && /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && !HEADERS.includes(name.toLowerCase());
}

/** A name made of any text, such as that of a file. */
export function cNameOf(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9]+/g, "_").replace(/^[^A-Za-z]+|_+$/g, "");
  const name = plain.slice(0, LONGEST);
  return isCName(name) ? name : "model";
}

/** @throws ArgumentError unless the text is a name of C */
export function checkCName(op: string, name: unknown): asserts name is string {
  if (typeof name === "string" && isCName(name)) return;
  throw new ArgumentError({
    op,
    what: "bad name",
    expected: `letters, digits and _, a letter first, at most ${LONGEST}, not a standard header's`,
    got: typeof name === "string" ? name : typeof name,
  });
}

/** Text that may stand in a comment, a string or behind `//`: nothing in it ends them. */
export function plainText(text: string): string {
  return text.replace(/[^A-Za-z0-9 _.,:+=()×→-]/g, "_");
}

/** A string literal of the text's UTF-8 bytes; three octal digits for all that is not a letter, digit or space. */
export function cString(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const letters = bytes.map((byte) =>
    /[A-Za-z0-9 ]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, "0")}`,
  );
  return `"${letters.join("")}"`;
}

/** A float literal that is read back as the same f32 number. */
export function cFloat(value: number): string {
  const digits = Object.is(value, -0) ? "-0.0" : value.toPrecision(9);
  return `${/[.e]/.test(digits) ? digits : `${digits}.0`}f`;
}

/** Columns of generated text. */
const WIDTH = 118;

/** Items with commas, in lines of full width. */
export function itemLines(items: readonly string[]): string[] {
  const lines: string[] = [];
  let line = " ";
  for (const item of items) {
    if (line.length + item.length + 2 > WIDTH) {
      lines.push(line);
      line = " ";
    }
    line += ` ${item},`;
  }
  return [...lines, line];
}
