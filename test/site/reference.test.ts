/** @file The reference: every entry has a page, every exported name and member has its docstring, no warning of TypeDoc. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { buildSite, SITE } from "./built.js";

interface Entry {
  readonly types?: string;
}

beforeAll(buildSite, 300_000);

const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  exports: Record<string, Entry | string>;
};
const doors = Object.entries(exports)
  .filter(([, target]) => typeof target === "object")
  .map(([door]) => door.slice(2) || "index");

/** The text of an entry's page. */
function pageOf(door: string): string {
  const places = [`${door}/index.html`, `${door}.html`].map((name) => path.join(SITE, "reference", name));
  const file = places.find((name) => existsSync(name));
  if (file === undefined) throw new Error(`the reference has no page for ${door}`);
  return readFileSync(file, "utf8");
}

it("TypeDoc warns of nothing: no name, member or option without a docstring, no link that leads nowhere", () => {
  expect(JSON.parse(readFileSync(path.join(root, "build", "site-reference.json"), "utf8"))).toEqual([]);
});

it.each(doors)("%s has a page with all that it exports", async (door) => {
  const html = pageOf(door);
  const module = door === "index" ? "index" : `${door}/index`;
  const values = Object.keys(await import(path.join(root, "src", `${module}.ts`)));
  expect(html).toContain(door === "index" ? "<title>coarsegrad –" : `<title>coarsegrad/${door}`);
  const parts = [...html.matchAll(/<(h3|li)\b[^>]*>(.*?)<\/\1>/gs)].map(([, , text]) => text.replace(/<[^>]*>/g, " "));
  const named = new Set(parts.flatMap((text) => text.split(/[^\w$]+/)));
  const missing = values.filter((name) => !named.has(name));
  expect(missing).toEqual([]);
});
