/** @file Error classes: whoever catches one can name it, from the entry that throws it or from the root. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import * as errors from "../../src/core/errors.js";
import * as root from "../../src/index.js";
import { ENTRIES } from "../doors/entries.js";

const src = path.join(import.meta.dirname, "..", "..", "src");
const sources = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll(path.sep, "/"))
  // The command line's own errors, and those of its sweeps, end it; nobody imports them.
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".generated.ts") && !/^(?:cli|sweep)\//.test(name))
  .map((name) => [name, readFileSync(path.join(src, name), "utf8")] as const);

it("every class of core/errors is exported by the root, as the same class", () => {
  const classes = Object.entries(errors);
  expect(classes.length).toBeGreaterThan(12);
  for (const [name, type] of classes) expect((root as Record<string, unknown>)[name], name).toBe(type);
});

it("every other error class of the library is exported by an entry", () => {
  const own = sources.flatMap(([, text]) =>
    [...text.matchAll(/class (\w+) extends \w*Error\b/g)].map(([, name]) => name),
  );
  expect(own).toContain("UsageError");
  const exported = new Set(Object.values(ENTRIES).flatMap((entry) => Object.keys(entry)));
  expect(own.filter((name) => !exported.has(name))).toEqual([]);
});

it("nothing else is thrown: only classes that are exported, and words for faults of the library itself", () => {
  const exported = new Set(Object.values(ENTRIES).flatMap((entry) => Object.keys(entry)));
  const thrown = sources.flatMap(([name, text]) =>
    [...text.matchAll(/\bthrow new (\w+)\(([^;]{0,80})/g)].map(([, type, rest]) => ({ name, type, rest })),
  );
  expect(thrown.length).toBeGreaterThan(150);
  // What goes wrong with one mirror is caught there, and told in a DataError if all of them fail.
  const caught = new Set(["node/download.ts"]);
  const others = thrown.filter(
    ({ name, type, rest }) => !exported.has(type) && !/^\s*[`"]internal:/.test(rest) && !caught.has(name),
  );
  expect(others.map(({ name, type, rest }) => `${name}: ${type} ${rest}`)).toEqual([]);
});
