/** @file The mutation tool: what it changes, and what it leaves alone. */
import { expect, it } from "vitest";
// @ts-expect-error a script without declarations
import { blanked, placesOf } from "../../scripts/mutants.mjs";

const wrong = (text: string): string[] =>
  placesOf(text).map(
    ({ index, length, replacement }: { index: number; length: number; replacement: string }) =>
      text.slice(0, index) + replacement + text.slice(index + length),
  );

it("comments, strings and imports are left alone", () => {
  const text = 'import { a } from "x";\n// a < b\nconst s = "1 < 2"; /* x === 1 */\nconst r = /a < 1/;\n';
  expect(wrong(text)).toEqual([]);
  expect(blanked(text)).toHaveLength(text.length);
});
it.each([
  ["if (a < b) return c;", "if (a <= b) return c;"],
  ["if (a === b && c) return d;", "if (a !== b && c) return d;"],
  ["if (a === b && c) return d;", "if (a === b || c) return d;"],
  ["const x = a * b;", "const x = a / b;"],
  ["const x = f(a, b);", "const x = f(b, a);"],
  ["const x = a ?? b;", "const x = a && b;"],
  ['  if (x < 0) throw new Error("y < 0");', '  if (false && (x < 0)) throw new Error("y < 0");'],
  ["  array.dispose();", "                  "],
  ["const x = 3;", "const x = 4;"],
])("%s can become %s", (text, mutant) => {
  expect(wrong(text)).toContain(mutant);
});
