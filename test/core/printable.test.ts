/**
 * @file Text of unknown origin: what reaches terminals, messages, pages and scripts holds no control character, and
 * means the same.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check } from "../../src/core/checks.js";
import { FormatError } from "../../src/core/errors.js";
import { cut, printable, printableLine, scriptJson } from "../../src/core/printable.js";

/** Code points that act on terminals or hide text, listed one by one, and not by the expression that finds them. */
const HOSTILE = [
  ...Array.from({ length: 32 }, (_, code) => code).filter((code) => code !== 9 && code !== 10),
  ...Array.from({ length: 33 }, (_, i) => 0x7f + i),
  ...[0x061c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
  ...[0x2066, 0x2067, 0x2068, 0x2069, 0xfeff, 0xe0041, 0xd800, 0xdfff],
];

describe("printable", () => {
  it.each(HOSTILE.map((code) => [code.toString(16), String.fromCodePoint(code)]))("escapes U+%s", (_, character) => {
    const shown = printable(`a${character}b`);
    expect(shown).toMatch(/^a(?:\\u[0-9a-f]{4}){1,2}b$/);
    expect(JSON.parse(`"${shown}"`)).toBe(`a${character}b`);
  });
  it("leaves everything that people write", () => {
    const text = "naïve ½ α·β → 日本語 עברית العربية 👩‍👩‍👧 🇪🇺\n\ttabbed \\u0041";
    expect(printable(text)).toBe(text);
    expect(printableLine("a\n\tb")).toBe("a\\u000a\\u0009b");
  });
  it("keeps what a JSON document means", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        expect(JSON.parse(printable(JSON.stringify(value, null, 2)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it("cuts, but no character in two", () => {
    expect(cut("abc", 3)).toBe("abc");
    expect(cut("abcd", 3)).toBe("abc…");
    expect(cut("ab😀", 3)).toBe("ab…");
  });
});

it("script JSON means its value and begins no tag, comment or line", () => {
  const names = [
    "</SCRIPT><img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>",
    "&lt;",
    "\u2028\u2029",
    "\u001b[2J",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text.
    "'\"`${x}",
  ];
  for (const text of [...names, ...names.map((name) => ({ [name]: [name] }))]) {
    const shown = scriptJson(text);
    for (const bad of ["<", "\u2028", "\u2029", "\u001b"]) expect(shown).not.toContain(bad);
    expect(JSON.parse(shown)).toEqual(text);
    expect(new Function(`return ${shown}`)()).toEqual(text);
  }
});

it("messages of errors show names escaped and cut, and their fields keep them", () => {
  const name = "\u001b]0;owned\u0007\u202e\u009b31m";
  const error = new FormatError({ op: name, what: `tensor "${name}"`, expected: name, got: name, hint: name });
  for (const bad of ["\u001b", "\u0007", "\u202e", "\u009b"]) expect(error.message).not.toContain(bad);
  expect(error.message.match(/\\u001b/g)).toHaveLength(5);
  expect(error.op).toBe(name);
  const long = new FormatError({ op: "file", what: "x".repeat(16_000_000), got: "y".repeat(16_000_000) });
  expect(long.message.length).toBeLessThan(10_000);
  expect(() => check("op", "name", `${name}${"z".repeat(100)}`, () => "a name")).toThrow(/got "\\u001b.*…"$/);
});
