/**
 * @file Regular expressions of the rooms that read files: none has the forms that take more than linear time or much
 * stack.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const src = path.join(import.meta.dirname, "../../src");
const ATOM = String.raw`(?:\\.|\[(?:\\.|[^\]])*\]|[^()|\\/*+?{])`;
/** A star or plus on a group that holds one, or two stars beside each other. */
const RISKY = new RegExp(String.raw`[*+]\)[*+{]|[*+]\??\)?\(?(?:\?:)?${ATOM}[*+]`);

const literals = (text: string): string[] =>
  [...text.matchAll(/(?:[(=:,?&|!]|return|=>)\s*(\/(?![/*])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\\\n])+\/[gimsuy]*)/g)].map(
    ([, literal]) => literal,
  );

it.each(["io", "format", "node", "onnx"])("in src/%s", (room) => {
  const expressions = readdirSync(path.join(src, room), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => literals(readFileSync(path.join(src, room, name), "utf8")));
  expect(expressions.filter((literal) => RISKY.test(literal))).toEqual([]);
});
it("the search sees what was there", () => {
  for (const bad of [
    String.raw`/\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?)?)\s*,?\s*\)/`,
    "/(a+)+b/",
    "/(?:a*)*/",
    String.raw`/\s*\s*x/`,
  ]) {
    expect(literals(`const X = ${bad};`)).toEqual([bad]);
    expect(RISKY.test(bad), bad).toBe(true);
  }
});
